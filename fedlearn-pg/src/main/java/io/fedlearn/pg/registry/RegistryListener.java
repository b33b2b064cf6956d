package io.fedlearn.pg.registry;

/** Is told what changes in a registry, one call at a time. What it throws is logged, and the next change is told all the same. */
@FunctionalInterface
public interface RegistryListener {
    /** A change was committed. */
    void changed(RegistryChange change);

    /** The connection was lost and is there again: changes in between were not told. By default it does nothing. */
    default void mayHaveMissedChanges() {}
}
