package io.fedlearn.examples.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

final class GridTest {
    @Test
    void alignsNamesLeftAndNumbersRight() {
        Grid grid = Grid.of("hospital", "rows").with("va", "200").with("cleveland", "3");
        assertThat(grid.toLines())
                .containsExactly("hospital   rows", "---------------", "va          200", "cleveland     3");
    }

    @Test
    void refusesRowsOfAnotherLength() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Grid.of("a", "b").with("1"))
                .withMessageContaining("2 cells, had 1");
    }
}
