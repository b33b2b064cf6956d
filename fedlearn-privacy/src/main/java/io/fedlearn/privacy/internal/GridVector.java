package io.fedlearn.privacy.internal;

/**
 * A vector in several parts, such as the tensors of a model delta, that is read block by block. Reading twice gives the same
 * values.
 */
public interface GridVector {
    /** How many parts it has. */
    int parts();

    /** How many numbers a part has. */
    int length(int part);

    /** Copies the numbers of a part from place {@code from} on to the start of {@code block}. */
    void read(int part, int from, double[] block, int count);

    /** A vector of one part over an array, not copied. */
    static GridVector of(float[] values) {
        return new GridVector() {
            @Override
            public int parts() {
                return 1;
            }

            @Override
            public int length(int part) {
                return values.length;
            }

            @Override
            public void read(int part, int from, double[] block, int count) {
                for (int i = 0; i < count; i++) {
                    block[i] = values[from + i];
                }
            }
        };
    }

    /** A vector of one part over an array, not copied. */
    static GridVector of(double[] values) {
        return new GridVector() {
            @Override
            public int parts() {
                return 1;
            }

            @Override
            public int length(int part) {
                return values.length;
            }

            @Override
            public void read(int part, int from, double[] block, int count) {
                System.arraycopy(values, from, block, 0, count);
            }
        };
    }
}
