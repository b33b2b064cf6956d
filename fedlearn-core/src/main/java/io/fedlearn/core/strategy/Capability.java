package io.fedlearn.core.strategy;

/** What clients and the way to them can do; a strategy that needs more than there is, is refused at the start. */
public enum Capability {
    /** Tensors travel with their names and roles. */
    NAMED_TENSORS("tensors with names and roles"),
    /** Tensors travel beside the model, both ways. */
    SIDE_TENSORS("tensors beside the model"),
    /** A client is known by the same id in every round and after a restart. */
    STABLE_IDENTITY("stable client ids"),
    /** A client keeps state between rounds. */
    CLIENT_STATE("state kept at the client"),
    /** Settings such as {@code mu} reach local training and are honoured there. */
    TRAINING_SETTINGS("training settings that local training honours"),
    /** A client applies the transforms that its task names. */
    CLIENT_TRANSFORMS("update transforms at the client"),
    /** Tasks of kinds beyond fit and evaluate. */
    FURTHER_TASK_KINDS("further kinds of task");

    private final String description;

    Capability(String description) {
        this.description = description;
    }

    /** In words, for a message. */
    public String description() {
        return description;
    }
}
