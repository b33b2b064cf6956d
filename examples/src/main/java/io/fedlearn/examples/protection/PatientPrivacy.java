package io.fedlearn.examples.protection;

import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.privacy.accounting.Calibration;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PldAccountant;
import io.fedlearn.privacy.accounting.PrivacyAccountant;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.budget.Composition;
import io.fedlearn.privacy.budget.LedgerBudget;
import io.fedlearn.privacy.site.DpSgdClient;
import io.fedlearn.privacy.site.PersonExamples;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Protects each person at each site: sites train by DP-SGD, each with a ledger of its own. The noise is the least with which the
 * whole run keeps the target at every site. Since no person is at two sites, what one site spends costs the others nothing.
 * Confined to one thread at a time.
 */
public final class PatientPrivacy implements AutoCloseable {
    /** Which runs are to look alike, in words. */
    public static final String RELATION = "with and without one of them (add-remove)";

    private static final int ROUND_NUMBER = 10;

    private final PrivacyTarget target;
    private final int rounds;
    private final TrainingSettings training;
    private final Ledgers ledgers;
    private final Map<String, Site> sites = new TreeMap<>();
    /** By sampling rate, which many sites may share. */
    private final Map<Double, Double> noises = new HashMap<>();

    private final List<PrivacyLedger> open = new ArrayList<>();

    private record Site(long declaredPersons, double rate, long steps, double noiseMultiplier) {}

    /**
     * A plan without sites.
     *
     * @param rounds how many the run has in all
     * @param training its batch size is how many persons are expected in a step
     * @param ledgers one for each site
     */
    public PatientPrivacy(PrivacyTarget target, int rounds, TrainingSettings training, Ledgers ledgers) {
        this.target = target;
        this.rounds = rounds;
        this.training = training;
        this.ledgers = ledgers;
    }

    /**
     * A client for a site.
     *
     * @param persons who are trained on, and protected
     * @param publicTest what is evaluated on, and not protected
     * @param trained the tensors that are trained, by the start of their names; all if there are none
     */
    public Client client(
            String name, LocalModelPool models, PersonExamples persons, ExampleSource publicTest, String... trained) {
        // What a hospital would say of itself: a round number that does not tell whether somebody was there.
        long declared = Math.max(1, Math.round(persons.personCount() / (double) ROUND_NUMBER)) * ROUND_NUMBER;
        double rate = Math.min(1, (double) training.batchSize() / declared);
        long steps = DpSgdClient.steps(rate, training);
        double noise = noises.computeIfAbsent(rate, same -> leastNoise(same, rounds * steps));
        sites.put(name, new Site(declared, rate, steps, noise));
        PrivacyLedger ledger = ledgers.open(name);
        open.add(ledger);
        LedgerBudget budget = LedgerBudget.builder(ledger, Composition.sameEvent(accountant()))
                .limit(name, target.epsilon(), target.privacyDelta())
                .build();
        return DpSgdClient.builder(models, persons)
                .clippingNorm(target.clippingNorm())
                .noiseMultiplier(noise)
                .samplingRate(rate)
                .declaredPersons(declared)
                .mostSteps(steps)
                .budget(budget, name)
                .publicTest(publicTest)
                .trainOnly(trained)
                .build();
    }

    private double leastNoise(double rate, long steps) {
        return Calibration.of(PatientPrivacy::accountant, target.epsilon(), target.privacyDelta())
                .noiseMultiplier(noise -> new PrivacyEvent.Repeated(
                        steps, new PrivacyEvent.PoissonSampled(rate, new PrivacyEvent.Gaussian(noise))));
    }

    private static PrivacyAccountant accountant() {
        return PldAccountant.of(NeighboringRelation.ADD_OR_REMOVE_ONE);
    }

    /** Has the federation's record name what decides the noise. */
    public void describeTo(Federation.Builder federation) {
        federation
                .setting("dp.unit", target.unit().toString())
                .setting("dp.epsilon", target.epsilon())
                .setting("dp.delta", target.privacyDelta())
                .setting("dp.clip", target.clippingNorm());
        sites.forEach((name, site) -> federation.setting("dp.noiseMultiplier." + name, site.noiseMultiplier()));
    }

    /** What each site does for its persons. */
    public Grid grid() {
        Grid grid = Grid.of("site", "declared", "sampling rate", "steps a round", "noise multiplier", "ledger");
        for (Map.Entry<String, Site> entry : sites.entrySet()) {
            Site site = entry.getValue();
            grid = grid.with(
                    entry.getKey(),
                    Long.toString(site.declaredPersons()),
                    String.format(Locale.ROOT, "%.4f", site.rate()),
                    Long.toString(site.steps()),
                    String.format(Locale.ROOT, "%.4f", site.noiseMultiplier()),
                    ledgers.place(entry.getKey()));
        }
        return grid;
    }

    /** Closes the ledgers. */
    @Override
    public void close() {
        open.forEach(PrivacyLedger::close);
        open.clear();
    }
}
