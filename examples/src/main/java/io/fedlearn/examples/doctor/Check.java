package io.fedlearn.examples.doctor;

import java.util.Locale;
import java.util.Optional;

/**
 * What was found of one thing.
 *
 * @param area which things it belongs to
 * @param name of the thing
 * @param state how it is
 * @param detail what was found
 * @param remedy how to add or mend it
 */
record Check(Area area, String name, State state, String detail, Optional<String> remedy) {
    /** Things that belong together, in the order in which they are shown. */
    enum Area {
        MACHINE("Machine"),
        NETWORKS("Neural networks"),
        READERS("Readers of scans"),
        DATABASES("Databases"),
        PROGRAMS("Other programs");

        private final String title;

        Area(String title) {
            this.title = title;
        }

        @Override
        public String toString() {
            return title;
        }
    }

    /** How a thing is. */
    enum State {
        /** There. */
        OK,
        /** There, and not as it should be. */
        WARNING,
        /** Not there, and only some commands would use it. */
        ABSENT,
        /** Not there, and required. */
        FAILED;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static Check ok(Area area, String name, String detail) {
        return new Check(area, name, State.OK, detail, Optional.empty());
    }

    static Check warning(Area area, String name, String detail, String remedy) {
        return new Check(area, name, State.WARNING, detail, Optional.of(remedy));
    }

    static Check absent(Area area, String name, String detail, String remedy) {
        return new Check(area, name, State.ABSENT, detail, Optional.of(remedy));
    }

    static Check failed(Area area, String name, String detail, String remedy) {
        return new Check(area, name, State.FAILED, detail, Optional.of(remedy));
    }
}
