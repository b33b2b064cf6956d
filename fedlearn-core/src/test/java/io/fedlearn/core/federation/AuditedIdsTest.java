package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class AuditedIdsTest {
    @Test
    void joinsIdsByBlanks() {
        assertThat(AuditedIds.list(List.of("cleveland", "va"))).isEqualTo("cleveland va");
        assertThat(AuditedIds.list(List.of())).isEmpty();
    }

    @Test
    void keepsListsApartWhoseIdsHoldBlanks() {
        assertThat(AuditedIds.list(List.of("a b", "c"))).isEqualTo("a%20b c");
        assertThat(AuditedIds.list(List.of("a", "b c"))).isEqualTo("a b%20c");
        assertThat(AuditedIds.list(List.of("a%20b", "c"))).isEqualTo("a%2520b c");
    }
}
