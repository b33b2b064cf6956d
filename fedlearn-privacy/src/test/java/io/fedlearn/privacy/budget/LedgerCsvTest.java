package io.fedlearn.privacy.budget;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.budget.InMemoryPrivacyLedger;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.task.Config;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LedgerCsvTest {
    @Test
    void writesALineForEachEntry() throws IOException {
        InMemoryPrivacyLedger ledger =
                InMemoryPrivacyLedger.create(InstantSource.fixed(Instant.parse("2026-11-21T08:30:00Z")));
        ledger.append(
                PrivacyCharges.of(
                        "run/heart",
                        new PrivacyEvent.PoissonSampled(0.5, new PrivacyEvent.Gaussian(2)),
                        NeighboringRelation.ADD_OR_REMOVE_ONE,
                        "round 1, \"first\"",
                        1e-6),
                0);
        ledger.append(
                new PrivacyCharge("run/heart", "x", Config.of(Map.of("a", 1, "b", "2", "purpose", "=HYPERLINK(1)"))),
                1);
        StringBuilder out = new StringBuilder();
        LedgerCsv.write(new ArrayList<>(ledger.entries("run/heart")), out);
        assertThat(out.toString().split("\r\n"))
                .containsExactly(
                        "scope,number,time,mechanism,relation,purpose,parameters",
                        "run/heart,1,2026-11-21T08:30:00Z,\"poisson-sampled(rate=0.5, gaussian(noiseMultiplier=2.0))\","
                                + "add-remove,\"round 1, \"\"first\"\"\",privacyDelta=1.0E-6",
                        "run/heart,2,2026-11-21T08:30:00Z,x,,'=HYPERLINK(1),a=1;b=2");
        assertThat(out).endsWith("\r\n");
    }
}
