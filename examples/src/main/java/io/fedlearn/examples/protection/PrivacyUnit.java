package io.fedlearn.examples.protection;

import java.util.Locale;

/** Whom a private run protects. */
public enum PrivacyUnit {
    /** One person at a site, by noise at the site. */
    PATIENT,
    /** One client with all its data, by noise at the coordinator. */
    CLIENT;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
