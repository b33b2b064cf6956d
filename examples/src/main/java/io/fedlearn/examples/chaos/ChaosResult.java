package io.fedlearn.examples.chaos;

import java.util.List;

/**
 * How one schedule ended.
 *
 * @param schedule which
 * @param happened how many of its faults did; the run may end before the others
 * @param ending in what
 * @param problems what is wrong, and why it failed if it did
 * @param seconds that it took
 * @param reconnects how often clients came back, or tried to
 */
record ChaosResult(
        ChaosSchedule schedule, int happened, Ending ending, List<String> problems, double seconds, int reconnects) {
    /** In what a schedule can end. */
    enum Ending {
        /** With the records and the model of the run that was left alone. */
        SAME("same model"),
        /** With a failure that the library names, and up to there the same records. */
        FAILED("typed failure"),
        /** With anything else. */
        BROKEN("BROKEN");

        private final String text;

        Ending(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    ChaosResult {
        problems = List.copyOf(problems);
    }

    /** Whether this is how a schedule may end. */
    boolean isGood() {
        return ending != Ending.BROKEN;
    }
}
