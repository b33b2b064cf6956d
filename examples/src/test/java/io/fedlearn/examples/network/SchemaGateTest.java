package io.fedlearn.examples.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Config;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class SchemaGateTest {
    private static final Schema ONE = Schema.of(List.of("age"), List.of("0", "1"), "logistic", "site");
    private static final Schema OTHER = Schema.of(List.of("calls"), List.of("0", "1"), "logistic", "site");

    private final Members members = new Members();
    private final SchemaGate gate = new SchemaGate(Optional.empty());

    SchemaGateTest() {
        gate.watch(members);
    }

    private Optional<String> join(String id, Schema schema) {
        Optional<String> refusal = gate.apply(new ClientInfo(id, schema.properties()));
        if (refusal.isEmpty()) {
            members.ids.add(id);
        }
        return refusal;
    }

    @Test
    void admitsWhoHasTheSchemaOfTheFirst() {
        assertThat(join("a", ONE)).isEmpty();
        assertThat(join("b", OTHER).orElseThrow()).contains("does not learn from age", "learns from calls");
        assertThat(join("c", ONE)).isEmpty();
        assertThat(join("a", ONE)).isEmpty();
    }

    @Test
    void admitsClientsThatTellNone() {
        assertThat(join("a", ONE)).isEmpty();
        assertThat(gate.apply(new ClientInfo("b", Config.empty()))).isEmpty();
    }

    @Test
    void firstThatHasGoneBindsNobodyBeforeARoundHasStarted() {
        assertThat(join("a", OTHER)).isEmpty();
        assertThat(join("b", ONE)).isPresent();
        members.ids.remove("a");
        assertThat(join("b", ONE)).isEmpty();
        assertThat(join("a", OTHER)).isPresent();
        assertThat(join("a", ONE)).isEmpty();
    }

    @Test
    void onlyClientMayComeBackWithAnotherBeforeARoundHasStarted() {
        assertThat(join("a", OTHER)).isEmpty();
        assertThat(join("a", ONE)).isEmpty();
        assertThat(join("b", ONE)).isEmpty();
    }

    @Test
    void schemaStaysOnceARoundHasStarted() {
        assertThat(join("a", ONE)).isEmpty();
        gate.roundStarted(1, List.of("a"));
        members.ids.clear();
        assertThat(join("b", OTHER)).isPresent();
        assertThat(join("a", OTHER)).isPresent();
        assertThat(join("a", ONE)).isEmpty();
    }

    @Test
    void schemaThatIsDemandedHoldsForTheFirstToo() {
        SchemaGate demanding = new SchemaGate(Optional.of(ONE.code()));
        assertThat(demanding.apply(new ClientInfo("a", OTHER.properties())).orElseThrow())
                .contains(ONE.code(), OTHER.code());
        assertThat(demanding.apply(new ClientInfo("a", ONE.properties()))).isEmpty();
    }
}
