package io.fedlearn.aggregators.robust;

/** The setting that all rules of this package share: how many bad clients they have to bear, {@code f} in the papers. */
final class BadClients {
    /** Its name, in settings and messages. */
    static final String SETTING = "badClients";

    private BadClients() {}

    /** How many updates a rule needs to bear so many: {@code factor f + plus}, or as many as an {@code int} holds. */
    static int least(int factor, int badClients, int plus) {
        return (int) Math.min(Integer.MAX_VALUE, (long) factor * badClients + plus);
    }
}
