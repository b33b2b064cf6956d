package io.fedlearn.pg.registry;

/**
 * A change that was committed: a version is in a stage that it was not in before.
 *
 * @param name of the model
 * @param version that changed
 * @param stage that it is in now; a new version is a candidate
 */
public record RegistryChange(String name, int version, Stage stage) {}
