package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.budget.InMemoryPrivacyLedger;
import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.models.LogisticRegression;
import io.fedlearn.privacy.accounting.AccountingMethod;
import io.fedlearn.privacy.accounting.Calibration;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.RdpAccountant;
import io.fedlearn.privacy.budget.Composition;
import io.fedlearn.privacy.budget.LedgerBudget;
import io.fedlearn.privacy.site.DpSgdClient;
import io.fedlearn.privacy.site.LocalPrivacy;
import io.fedlearn.privacy.site.LocallyPrivateClient;
import io.fedlearn.privacy.site.NoiseShares;
import io.fedlearn.privacy.site.PersonExamples;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Code of {@code docs/privacy/training-site.md}. */
final class PrivateSitesTest {
    private static final int ROUNDS = 5;
    private static final double RATE = 0.1;
    private static final TrainingSettings SETTINGS = TrainingSettings.defaults();

    private static PrivacyBudget budget(NeighboringRelation relation, double epsilon) {
        return LedgerBudget.builder(InMemoryPrivacyLedger.create(), Composition.sameEvent(RdpAccountant.of(relation)))
                .limitOfEachOtherScope(epsilon, 1e-5)
                .build();
    }

    /** What the site sees as one person: here each row is one. */
    private static List<Integer> patientOfRow(ExampleSource rows) {
        List<Integer> patients = new ArrayList<>();
        for (int row = 0; row < rows.exampleCount(); row++) {
            patients.add(row);
        }
        return patients;
    }

    private static Client hospital(ExampleSource rows, List<Integer> patientOfRow) {
        // tag::dp-sgd[]
        PrivacyBudget budget = LedgerBudget.builder(
                        InMemoryPrivacyLedger.create(), // FilePrivacyLedger where there are real people
                        Composition.sameEvent(RdpAccountant.of(NeighboringRelation.ADD_OR_REMOVE_ONE)))
                .limit("patients", 4.0, 1e-5)
                .build();
        Calibration target = Calibration.of(AccountingMethod.RDP, NeighboringRelation.ADD_OR_REMOVE_ONE, 4.0, 1e-5);
        DpSgdClient hospital = DpSgdClient.builder(
                        () -> LogisticRegression.of(2).standardizing(), PersonExamples.of(rows, patientOfRow))
                .clippingNorm(1.0)
                .samplingRate(RATE)
                .declaredPersons(40) // public, and roughly right
                .noiseFor(target, ROUNDS * DpSgdClient.steps(RATE, SETTINGS))
                .budget(budget, "patients")
                .build();
        // end::dp-sgd[]
        return hospital;
    }

    @Test
    void trainsPerPatient() throws Exception {
        Map<String, Client> hospitals = new TreeMap<>();
        for (String name : Hospitals.NAMES) {
            ExampleSource rows = Hospitals.split(name).training();
            hospitals.put(name, hospital(rows, patientOfRow(rows)));
        }
        Run run = run(hospitals, FedAvg.create());

        assertThat(run.records()).hasSize(ROUNDS);
        assertThat(run.records().get(ROUNDS - 1).outcomes())
                .allSatisfy(outcome -> assertThat(outcome.outcome()).isEqualTo("completed"));
    }

    private static Run run(Map<String, Client> hospitals, Strategy strategy) throws Exception {
        // A private run starts from a model that no patient had a part in.
        Model start = LogisticRegression.of(2).standardizing().initialModel(1);
        return Federation.of(hospitals)
                .strategy(strategy)
                .training(SETTINGS)
                .initialModel(start)
                .rounds(ROUNDS)
                .evaluateEvery(0)
                .privacyBudget(budget(NeighboringRelation.REPLACE_SPECIAL, 100))
                .run();
    }

    @Test
    void answersInPrivate() throws Exception {
        Map<String, Client> hospitals = new TreeMap<>();
        for (String name : Hospitals.NAMES) {
            PrivacyBudget budget = budget(NeighboringRelation.REPLACE_ONE, 20);
            Client client = LocalTrainingClient.of(
                    () -> LogisticRegression.of(2).standardizing(),
                    Hospitals.split(name).training());
            // tag::local[]
            Client quiet = LocallyPrivateClient.of(client, LocalPrivacy.gaussian(0.5, 1.5), budget, "hospital");
            // end::local[]
            hospitals.put(name, quiet);
        }
        assertThat(run(hospitals, FedAvg.create()).records()).hasSize(ROUNDS);
    }

    @Test
    void sharesTheNoise() throws Exception {
        // tag::shares[]
        NoiseShares noise = NoiseShares.builder(
                        "run/heart", LogisticRegression.of(2).spec().trainableCount())
                .clippingNorm(0.5)
                .noiseMultiplier(1.0)
                .leastShares(3) // a round with fewer sites is given up
                .build();
        Strategy strategy = noise.appliedTo(FedAvg.create());
        // end::shares[]
        Map<String, Client> hospitals = Hospitals.all();
        Run run = run(hospitals, strategy);
        assertThat(run.records()).hasSize(ROUNDS);
        assertThat(run.model())
                .isNotEqualTo(LogisticRegression.of(2).standardizing().initialModel(1));
    }
}
