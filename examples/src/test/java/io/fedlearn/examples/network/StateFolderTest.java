package io.fedlearn.examples.network;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class StateFolderTest {
    @Test
    void isAPlainIdItself() {
        assertThat(StateFolder.of("bank-1")).isEqualTo("bank-1");
        assertThat(StateFolder.of("st_mary")).isEqualTo("st_mary");
    }

    @Test
    void isAFolderOfItsOwnForAnyOtherId() {
        List<String> ids = List.of("bank 1", "Bank-1", "bank/1", "bank_1", "..", "../x", "", "b".repeat(256));

        assertThat(ids.stream().map(StateFolder::of))
                .doesNotHaveDuplicates()
                .allSatisfy(name -> assertThat(name)
                        .matches("[a-z0-9_-]{0,60}([.][0-9a-f]{12})?")
                        .isNotIn("", ".", ".."));
    }
}
