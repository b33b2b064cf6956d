package io.fedlearn.aggregators.robust;

/** The setting that all rules of this package share: how many bad clients they have to bear, {@code f} in the papers. */
final class BadClients {
    /** Its name, in settings and messages. */
    static final String SETTING = "badClients";

    private BadClients() {}
}
