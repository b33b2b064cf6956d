package io.fedlearn.privacy.site;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.RdpAccountant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * An attack on trained models: was the canary among the persons? The canary has 50 records with a feature that nobody else has, and
 * the attacker says yes where the model's weight of that feature is above three standard deviations of the noise. Whatever the attack, under
 * (epsilon, delta) the shares of right and wrong yeses obey {@code right <= exp(epsilon) wrong + delta}, so bounds on both give a
 * lower bound on epsilon. It holds with probability 1 - 1e-6 (Clopper and Pearson, half of it on each side).
 */
class MembershipAuditTest {
    private static final double FALSE_ALARM = 1e-6;
    private static final double PRIVACY_DELTA = 1e-5;
    private static final double NOISE_MULTIPLIER = 2;
    private static final double RATE = 0.5;
    private static final int STEPS = 4;
    private static final int FEATURES = 6;
    private static final int OTHERS = 20;
    private static final int CANARY_RECORDS = 50;
    private static final int DECLARED = 40;

    private static final class Audit {
        private final boolean perPerson;
        private final double noiseMultiplier;
        private final LocalModelPool models = LocalModelPool.of(() -> Logistic.perExample(FEATURES));

        Audit(boolean perPerson, double noiseMultiplier) {
            this.perPerson = perPerson;
            this.noiseMultiplier = noiseMultiplier;
        }

        private DpSgdClient client(boolean withCanary) {
            SeededRandom random = SeededRandom.of(11);
            int records = 2 * OTHERS + (withCanary ? CANARY_RECORDS : 0);
            float[] features = new float[records * FEATURES];
            float[] targets = new float[records];
            List<Integer> personOf = new ArrayList<>();
            for (int i = 0; i < records; i++) {
                boolean isCanary = i >= 2 * OTHERS;
                personOf.add(isCanary ? OTHERS : i / 2);
                targets[i] = isCanary ? 1 : i % 2;
                for (int j = 0; j < FEATURES - 1; j++) {
                    features[i * FEATURES + j] = (float) random.nextGaussian();
                }
                features[i * FEATURES + FEATURES - 1] = isCanary ? 10 : 0;
            }
            InMemoryExamples examples = InMemoryExamples.wrap(Shape.of(FEATURES), features, targets);
            return DpSgdClient.builder(
                            models,
                            perPerson ? PersonExamples.of(examples, personOf) : PersonExamples.ofRecords(examples))
                    .clippingNorm(1)
                    .noiseMultiplier(noiseMultiplier)
                    .samplingRate(RATE)
                    .declaredPersons(DECLARED)
                    .budget(new RecordingBudget(Integer.MAX_VALUE), "audit")
                    .build();
        }

        /** In how many of so many trainings the attacker says yes. */
        private int yeses(boolean withCanary, int trials) throws Exception {
            DpSgdClient client = client(withCanary);
            Model start = Logistic.of(FEATURES).initialModel(0);
            Task task = Task.builder(TaskKind.FIT, "site")
                    .model(start)
                    .config(TrainingSettings.defaults()
                            .withLearningRate(1)
                            .withLocalEpochs(STEPS)
                            .withMaxSteps(STEPS)
                            .toConfig())
                    .build();
            double threshold = 3 * noiseMultiplier * Math.sqrt(STEPS);
            int yeses = 0;
            for (int t = 0; t < trials; t++) {
                Model trained = client.fit(task, Idle.context()).model().orElseThrow();
                // In units of what a person may move.
                double moved = trained.tensor("weight").get(FEATURES - 1) * RATE * DECLARED;
                yeses += moved > threshold ? 1 : 0;
            }
            return yeses;
        }

        double epsilonAtLeast(int trials) throws Exception {
            double right = leastProbability(yeses(true, trials), trials, FALSE_ALARM / 2);
            double wrong = 1 - leastProbability(trials - yeses(false, trials), trials, FALSE_ALARM / 2);
            return right <= PRIVACY_DELTA ? 0 : Math.log((right - PRIVACY_DELTA) / wrong);
        }
    }

    private static double claimedEpsilon() {
        return RdpAccountant.of(NeighboringRelation.ADD_OR_REMOVE_ONE)
                .compose(new Audit(true, NOISE_MULTIPLIER).client(true).event(STEPS))
                .epsilon(PRIVACY_DELTA);
    }

    /** The least probability with which so many successes or more are no less probable than {@code alpha}. */
    private static double leastProbability(int successes, int trials, double alpha) {
        if (successes == 0) {
            return 0;
        }
        double logChoices = 0;
        for (int i = 1; i <= successes; i++) {
            logChoices += Math.log((double) (trials - successes + i) / i);
        }
        double start = logChoices;
        DoubleUnaryOperator upperTail = p -> {
            double term = Math.exp(start + successes * Math.log(p) + (trials - successes) * Math.log1p(-p));
            double sum = 0;
            for (int k = successes; k <= trials; k++) {
                sum += term;
                term *= (double) (trials - k) / (k + 1) * p / (1 - p);
            }
            return sum;
        };
        double low = 0;
        double high = (double) successes / trials;
        for (int i = 0; i < 60; i++) {
            double middle = (low + high) / 2;
            if (upperTail.applyAsDouble(middle) < alpha) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    @Test
    void boundsOfClopperAndPearsonAreTheirs() {
        // From the closed form for n of n, and from the quantile of a beta distribution, B(0.025; 40, 61).
        assertThat(leastProbability(100, 100, 0.025)).isCloseTo(Math.pow(0.025, 0.01), within(1e-9));
        assertThat(leastProbability(40, 100, 0.025)).isCloseTo(0.303295, within(1e-5));
        assertThat(leastProbability(0, 100, 0.025)).isZero();
    }

    @Test
    void attackOnPrivatelyTrainedModelsStaysBelowTheClaim() throws Exception {
        assertThat(new Audit(true, NOISE_MULTIPLIER).epsilonAtLeast(1200)).isLessThanOrEqualTo(claimedEpsilon());
    }

    @Test
    void attackOnModelsWithTooLittleNoiseRefutesTheClaim() throws Exception {
        assertThat(new Audit(true, NOISE_MULTIPLIER / 20).epsilonAtLeast(1200)).isGreaterThan(claimedEpsilon());
    }

    @Test
    void attackRefutesTheClaimForPersonsWhereRecordsAreProtected() throws Exception {
        assertThat(new Audit(false, NOISE_MULTIPLIER).epsilonAtLeast(1200)).isGreaterThan(claimedEpsilon());
    }

    @Test
    @Tag("slow")
    void attackOnManyModelsStaysBelowTheClaimAndRefutesASixthOfTheNoise() throws Exception {
        assertThat(new Audit(true, NOISE_MULTIPLIER).epsilonAtLeast(200_000)).isLessThanOrEqualTo(claimedEpsilon());
        assertThat(new Audit(true, NOISE_MULTIPLIER / 6).epsilonAtLeast(200_000))
                .isGreaterThan(claimedEpsilon());
    }
}
