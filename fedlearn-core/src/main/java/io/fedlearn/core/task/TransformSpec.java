package io.fedlearn.core.task;

import java.util.Objects;

/**
 * An update transform as a task names it, for the client to apply before it answers.
 *
 * @param name under which the client's side finds the transform
 * @param settings what it needs to know
 */
public record TransformSpec(String name, Config settings) {
    /** Validates that the name is not empty. */
    public TransformSpec {
        if (name.isEmpty()) {
            throw new IllegalArgumentException("a transform's name must not be empty");
        }
        Objects.requireNonNull(settings, "settings");
    }
}
