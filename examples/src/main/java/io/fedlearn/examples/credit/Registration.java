package io.fedlearn.examples.credit;

import io.fedlearn.core.federation.Run;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.examples.comparison.ModelScores;
import io.fedlearn.examples.report.Figures;
import io.fedlearn.formats.audit.AuditSigner;
import io.fedlearn.pg.registry.Lineage;
import io.fedlearn.pg.registry.ModelVersion;
import io.fedlearn.pg.registry.PgModelRegistry;
import io.fedlearn.pg.registry.StageChange;
import io.fedlearn.pg.schema.PgSchema;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A run's best model in the registry: a candidate, promoted to production if it is better there by test AUC than what is.
 *
 * @param version as it is now
 * @param decision what was decided and why
 * @param versions all that there are
 * @param history of this one
 */
record Registration(ModelVersion version, String decision, List<ModelVersion> versions, List<StageChange> history) {
    /** The model's name in the registry: {@value}. */
    static final String NAME = "credit-default";

    /**
     * Registers the model, unless it is already, and promotes it if it is the better one.
     *
     * @param auditSigner signs what is recorded of that in the run's log
     * @param tests what both are tested on
     */
    static Registration of(
            PgSchema schema, Optional<AuditSigner> auditSigner, Run run, Map<String, ? extends ExampleSource> tests) {
        String runId = run.header().runId();
        int round = run.best().round();
        PgModelRegistry.Builder builder = PgModelRegistry.builder(schema).auditLog(runId);
        auditSigner.ifPresent(builder::auditSigner);
        PgModelRegistry registry = builder.build();
        Optional<ModelVersion> known = registry.versions(NAME).stream()
                .filter(version -> isOf(version, runId, round))
                .findFirst();
        ModelVersion candidate =
                known.orElseGet(() -> registry.register(NAME, runId, round, "least test loss of the run"));
        String decision = known.isPresent() ? "registered before" : decide(registry, candidate, run.bestModel(), tests);
        return new Registration(
                registry.version(NAME, candidate.version()).orElseThrow(),
                decision,
                registry.versions(NAME),
                registry.history(NAME, candidate.version()));
    }

    private static boolean isOf(ModelVersion version, String runId, int round) {
        Optional<Lineage> lineage = version.lineage();
        return lineage.isPresent()
                && lineage.get().run().runId().equals(runId)
                && lineage.get().roundNumber() == round;
    }

    private static String decide(
            PgModelRegistry registry, ModelVersion candidate, Model model, Map<String, ? extends ExampleSource> tests) {
        OptionalDouble auc = auc(model, tests);
        Optional<ModelVersion> production = registry.production(NAME);
        if (production.isEmpty()) {
            String reason = "the first, with a test AUC of " + Figures.metric(auc);
            registry.promote(NAME, candidate.version(), reason);
            return "is now in production: " + reason;
        }
        OptionalDouble old = auc(registry.model(NAME, production.get().version()), tests);
        String comparison = "test AUC " + Figures.metric(auc) + ", of version "
                + production.get().version() + " in production " + Figures.metric(old);
        if (auc.isPresent() && old.isPresent() && auc.getAsDouble() > old.getAsDouble()) {
            registry.promote(NAME, candidate.version(), comparison);
            return "is now in production: " + comparison;
        }
        return "remains a candidate: " + comparison;
    }

    /** What a model is worth on these customers; empty if it is none of ours. */
    private static OptionalDouble auc(Model model, Map<String, ? extends ExampleSource> tests) {
        return Arrays.stream(CreditModel.values())
                .map(CreditModel::create)
                .filter(kind -> kind.initialModel(0).spec().equals(model.spec()))
                .findFirst()
                .map(kind -> ModelScores.of(kind, model, tests).auc())
                .orElse(OptionalDouble.empty());
    }
}
