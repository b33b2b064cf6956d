package io.fedlearn.luna16.lung;

/** One of the two lungs, from the patient's view. */
public enum Lung {
    /** The one on the patient's left, where x is larger. */
    LEFT(3),
    /** The one on the patient's right. */
    RIGHT(4);

    /** What stands for the airways in a file: {@value}. */
    static final short AIRWAY_VALUE = 5;

    private final short value;

    Lung(int value) {
        this.value = (short) value;
    }

    /** What stands for this lung in a file that is written; in one that is read 3 and 4 are told apart by where they lie. */
    short value() {
        return value;
    }
}
