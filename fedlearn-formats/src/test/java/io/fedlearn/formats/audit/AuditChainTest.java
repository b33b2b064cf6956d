package io.fedlearn.formats.audit;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.task.Config;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AuditChainTest {
    private final AuditRecord first = record(AuditHead.empty(), 1);
    private final AuditRecord second = record(first.head(), 2);
    private final AuditRecord third = record(second.head(), 3);

    private static AuditRecord record(AuditHead end, int round) {
        return AuditRecord.next(
                end, new AuditEvent(Instant.EPOCH, "round-committed", Config.of(Map.of("round", round))));
    }

    private static AuditChain chain(AuditHead known) {
        return AuditChain.of(known, AuditTrust.none());
    }

    @Test
    void takesRecordsThatFollowEachOther() {
        AuditChain chain = chain(second.head());

        assertThat(chain.add(first)).isEmpty();
        assertThat(chain.add(second)).isEmpty();
        assertThat(chain.add(third)).isEmpty();

        assertThat(chain.head()).isEqualTo(third.head());
        assertThat(chain.end().isWhole()).isTrue();
    }

    @Test
    void doesNotGoOnBehindARecordThatWasMadeAnew() {
        AuditChain chain = chain(AuditHead.empty());

        assertThat(chain.add(first)).isEmpty();
        assertThat(chain.add(record(first.head(), 9))).isEmpty();

        assertThat(chain.add(third)).contains("is not chained to the record before");
    }

    @Test
    void doesNotGoOnBehindAGap() {
        AuditChain chain = chain(AuditHead.empty());

        assertThat(chain.add(second)).contains("its sequence must be 1, was 2");
    }

    @Test
    void findsAKnownEndThatIsAnotherOrMissing() {
        AuditChain another = chain(record(first.head(), 9).head());
        AuditChain cut = chain(second.head());

        assertThat(another.add(first)).isEmpty();
        assertThat(another.add(second)).contains("its hash is not that of the known end 2");
        assertThat(cut.add(first)).isEmpty();
        assertThat(cut.end().firstBreak().orElseThrow().line()).isEqualTo(2);
    }
}
