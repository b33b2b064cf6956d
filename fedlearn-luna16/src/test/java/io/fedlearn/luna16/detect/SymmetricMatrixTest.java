package io.fedlearn.luna16.detect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

final class SymmetricMatrixTest {
    @Test
    void hasTheEigenvaluesOfADiagonalMatrix() {
        assertThat(SymmetricMatrix.eigenvalues(3, -7, 1, 0, 0, 0))
                .containsExactly(new double[] {-7, 1, 3}, within(1e-12));
        assertThat(SymmetricMatrix.eigenvalues(-2, -2, -2, 0, 0, 0)).containsExactly(-2, -2, -2);
    }

    @Test
    void hasTheEigenvaluesOfAFullMatrix() {
        // [[2, 1, 0], [1, 2, 1], [0, 1, 2]] has 2 - sqrt 2, 2 and 2 + sqrt 2; [[1, 1, 1], ...] has 0, 0 and 3.
        double root = Math.sqrt(2);
        assertThat(SymmetricMatrix.eigenvalues(2, 2, 2, 1, 0, 1))
                .containsExactly(new double[] {2 - root, 2, 2 + root}, within(1e-12));
        assertThat(SymmetricMatrix.eigenvalues(1, 1, 1, 1, 1, 1)).containsExactly(new double[] {0, 0, 3}, within(1e-7));
    }
}
