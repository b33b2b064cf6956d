package io.fedlearn.examples.protection;

import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.privacy.accounting.Calibration;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PldAccountant;
import io.fedlearn.privacy.budget.Composition;
import io.fedlearn.privacy.budget.LedgerBudget;
import io.fedlearn.privacy.central.Buffers;
import io.fedlearn.privacy.central.CentralPrivacy;
import io.fedlearn.privacy.central.ClientSampling;
import io.fedlearn.privacy.central.Clipping;
import java.util.Locale;
import java.util.Optional;

/**
 * Protects each client with all its data: the coordinator clips updates and adds noise to their sum. The noise is the least with
 * which the whole run keeps the target. Confined to one thread at a time.
 */
public final class ClientPrivacy implements AutoCloseable {
    private static final String SCOPE = "clients";

    private final PrivacyTarget target;
    private final CentralPrivacy privacy;
    private final Ledgers ledgers;
    private Optional<PrivacyLedger> ledger = Optional.empty();

    /**
     * A plan.
     *
     * @param rounds how many the run has in all
     * @param clients how many there are
     * @param rate with what probability each takes part in a round; 1 for all of them, without amplification
     * @param ledgers where the ledger is
     */
    public ClientPrivacy(PrivacyTarget target, int rounds, int clients, double rate, Ledgers ledgers) {
        this.target = target;
        this.ledgers = ledgers;
        NeighboringRelation relation = plan(target, clients, rate, 1).relation();
        double noise = Calibration.of(() -> PldAccountant.of(relation), target.epsilon(), target.privacyDelta())
                .noiseMultiplier(
                        multiplier -> plan(target, clients, rate, multiplier).event(rounds));
        this.privacy = plan(target, clients, rate, noise);
    }

    private static CentralPrivacy plan(PrivacyTarget target, int clients, double rate, double noise) {
        return CentralPrivacy.builder(SCOPE)
                .clipping(Clipping.fixed(target.clippingNorm()))
                .noiseMultiplier(noise)
                .sampling(rate < 1 ? ClientSampling.poisson(rate) : ClientSampling.asSelected())
                .expectedCohort(rate * clients)
                // In these models they are the scale of inputs, which never changes.
                .buffers(Buffers.KEPT)
                .build();
    }

    /** Which runs are to look alike, in words. */
    public String relation() {
        return privacy.relation() == NeighboringRelation.ADD_OR_REMOVE_ONE
                ? "with and without one client (add-remove)"
                : "with one client, and with that client sending zeros (replace-special)";
    }

    /** What to tell a person about noise that would drown a model of so many parameters; empty if it would not. */
    public Optional<String> warning(long parameters) {
        return privacy.expectedNoise(parameters).warning();
    }

    /** The private form of a strategy, and its budget for the federation. */
    public Strategy appliedTo(Strategy strategy, Federation.Builder federation) {
        PrivacyLedger opened = ledgers.open(SCOPE);
        ledger = Optional.of(opened);
        federation
                .privacyBudget(LedgerBudget.builder(opened, Composition.sameEvent(PldAccountant.of(privacy.relation())))
                        .limit(SCOPE, target.epsilon(), target.privacyDelta())
                        .build())
                .setting("dp.unit", target.unit().toString())
                .setting("dp.epsilon", target.epsilon())
                .setting("dp.delta", target.privacyDelta());
        return privacy.appliedTo(strategy);
    }

    /** What the coordinator does for the clients. */
    public Grid grid() {
        return Grid.of("what", "value")
                .with("cohort", privacy.sampling() + ", expected " + privacy.expectedCohort())
                .with("neighbours", relation())
                .with("noise multiplier", String.format(Locale.ROOT, "%.4f", privacy.noiseMultiplier()))
                .with("ledger", ledgers.place(SCOPE));
    }

    /** Closes the ledger. */
    @Override
    public void close() {
        ledger.ifPresent(PrivacyLedger::close);
        ledger = Optional.empty();
    }
}
