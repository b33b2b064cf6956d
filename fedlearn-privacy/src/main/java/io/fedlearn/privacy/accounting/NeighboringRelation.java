package io.fedlearn.privacy.accounting;

/**
 * Which two data sets must be hard to tell apart. A sensitivity holds for one relation only: a sum of vectors of norm {@code C}
 * moves by {@code C} when one is added or removed, and by {@code 2 C} when one is replaced.
 */
public enum NeighboringRelation {
    /** One unit more or less. */
    ADD_OR_REMOVE_ONE("add-remove"),
    /** One unit is another; how many there are is public. */
    REPLACE_ONE("replace"),
    /** One unit counts as nothing, as if it had sent zeros; how many there are, and when each took part, is public. */
    REPLACE_SPECIAL("replace-special");

    private final String text;

    NeighboringRelation(String text) {
        this.text = text;
    }

    /**
     * The relation of this name.
     *
     * @throws IllegalArgumentException if there is none, naming those there are
     */
    public static NeighboringRelation parse(String text) {
        for (NeighboringRelation relation : values()) {
            if (relation.text.equals(text)) {
                return relation;
            }
        }
        throw new IllegalArgumentException(
                "relation must be one of add-remove, replace and replace-special, was '" + text + "'");
    }

    /** The name, as ledgers and the command line have it. */
    @Override
    public String toString() {
        return text;
    }
}
