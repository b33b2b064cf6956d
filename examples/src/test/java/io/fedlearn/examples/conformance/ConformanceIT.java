package io.fedlearn.examples.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.examples.console.ProgressStyle;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The trained part of {@code bench conformance --fast}: whole where that is quick, a few data sets of FedProx. */
final class ConformanceIT {
    private static List<Row> run(Experiment experiment, StringWriter out) throws InterruptedException {
        int threads = Runtime.getRuntime().availableProcessors();
        return experiment.run(new Bench(new PrintWriter(out, true), ProgressStyle.PLAIN, Optional.empty(), 1, threads));
    }

    @Test
    void robustRulesHoldOnGeneratedDigits() throws InterruptedException {
        StringWriter out = new StringWriter();
        RobustRules experiment = RobustRules.onGeneratedDigits();
        List<Row> rows = run(experiment, out);
        assertThat(rows).as(out.toString()).extracting(Row::verdict).containsOnly(Verdict.PASS);
        assertThat(rows).extracting(Row::claim).isEqualTo(experiment.claims());
        assertThat(out.toString()).contains("Bulyan", "FLTrust", "RFA", "little is enough");
    }

    @Test
    void fedProxBearsStragglers() throws InterruptedException {
        StringWriter out = new StringWriter();
        List<Row> rows = run(FedProxStragglers.part(30, 2), out);
        assertThat(rows).as(out.toString()).extracting(Row::verdict).containsOnly(Verdict.PASS);
    }
}
