package io.fedlearn.pg.registry;

import java.util.Locale;

/** What a version of a model is used for. */
public enum Stage {
    /** Registered, and not used yet. */
    CANDIDATE,
    /** In use: of each model one version at most. */
    PRODUCTION,
    /** No longer used, or never; its values are kept. */
    ARCHIVED;

    /** The word that the database has for it. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Stage of(String word) {
        return valueOf(word.toUpperCase(Locale.ROOT));
    }
}
