package io.fedlearn.privacy.site;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import io.fedlearn.privacy.accounting.DistributedNoise;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.testkit.statistics.StatisticalAssertions;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NoiseSharesTest {
    private static final double FALSE_ALARM = 1e-7;

    private static Model model(float... weights) {
        return Model.builder()
                .trainable("w", Tensor.copyOf(weights))
                .buffer("mean", Tensor.wrap(new float[] {7}))
                .counter("batches", Tensor.copyOf(new long[] {3}))
                .build();
    }

    private static TransformContext context(Model global) {
        return new TransformContext("c", 1, 5, global, Optional.empty());
    }

    private static long[] encoded(ShareSettings settings, float... delta) {
        ClientUpdate update = new ShareEncoder(settings)
                .apply(ClientUpdate.ofModelDelta(model(delta), 9), context(model(new float[delta.length])));
        return update.model().orElseThrow().tensor("w").toLongArray();
    }

    /** Next to no noise: 0 but for one number in 2^1000. */
    private static ShareSettings silent(double clippingNorm, long resolution, double beta, int dimension) {
        return new ShareSettings(clippingNorm, resolution, beta, dimension, 0x1p-6, ShareNoise.DISCRETE_GAUSSIAN);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.3, NoiseShares.DEFAULT_BETA, 0.99})
    void roundedNumbersNeverExceedTheNormThatIsCharged(double beta) {
        SeededRandom random = SeededRandom.of(4);
        for (int trial = 0; trial < 40; trial++) {
            float[] delta = new float[1 + (int) (random.nextDouble() * 300)];
            for (int i = 0; i < delta.length; i++) {
                delta[i] = (float) (random.nextGaussian() * 10);
            }
            long resolution = 1 + (long) (random.nextDouble() * 50);
            BigInteger squares = BigInteger.ZERO;
            for (long each : encoded(silent(0.5, resolution, beta, delta.length), delta)) {
                squares = squares.add(BigInteger.valueOf(each).pow(2));
            }
            assertThat(Math.sqrt(squares.doubleValue()))
                    .isLessThanOrEqualTo(DistributedNoise.roundedL2Norm(resolution, beta, delta.length));
        }
    }

    @Test
    void roundsWithoutBiasWhereEveryRoundingIsAllowed() {
        float[] values = {0.3f, -0.45f, 0.0625f, 0, -0.001f};
        int copies = 20_000;
        float[] delta = new float[values.length * copies];
        for (int i = 0; i < delta.length; i++) {
            delta[i] = values[i % values.length];
        }
        // Of a norm below 100, on a grid of a quarter.
        long[] units = encoded(silent(200, 800, 0, delta.length), delta);
        for (int v = 0; v < values.length; v++) {
            double[] samples = new double[copies];
            for (int c = 0; c < copies; c++) {
                samples[c] = units[c * values.length + v];
                assertThat(Math.abs(samples[c] - 4.0 * values[v])).isLessThan(1);
            }
            StatisticalAssertions.assertMean(samples, 4.0 * values[v], 0.5, FALSE_ALARM);
        }
    }

    @Test
    void clipsAndScalesBackToTheDelta() {
        ShareSettings settings = silent(2, NoiseShares.DEFAULT_RESOLUTION, NoiseShares.DEFAULT_BETA, 2);
        Model global = model(1, 1);
        ClientUpdate sent = new ShareEncoder(settings).apply(ClientUpdate.ofModel(model(31, -39), 9), context(global));
        ClientUpdate decoded = new ShareDecoder(settings).apply(sent, context(global));

        double[] delta = decoded.model().orElseThrow().tensor("w").toDoubleArray();
        assertThat(delta[0]).isCloseTo(1.2, within(1e-5));
        assertThat(delta[1]).isCloseTo(-1.6, within(1e-5));
        assertThat(decoded.model().orElseThrow().spec()).isEqualTo(global.spec());
        assertThat(decoded.model().orElseThrow().tensor("mean").get(0)).isZero();
    }

    @Test
    void sendsWholeNumbersAndNothingElse() {
        ClientUpdate update = ClientUpdate.ofModelDelta(model(1, 2), 9)
                .withMetric("loss", 2)
                .withTensors("scores", model(1))
                .withValue("site", "x");
        ClientUpdate sent = new ShareEncoder(silent(1, 8, 0, 2)).apply(update, context(model(0, 0)));

        assertThat(sent.model().orElseThrow().spec().tensors())
                .singleElement()
                .satisfies(tensor -> assertThat(tensor.type()).isEqualTo(TensorType.INT64));
        assertThat(sent.exampleCount()).isEqualTo(1);
        assertThat(sent.metrics().asMap()).isEmpty();
        assertThat(sent.tensors()).isEmpty();
        assertThat(sent.values()).isEqualTo(Config.empty());
        assertThat(update.metrics().asMap()).hasSize(1);
    }

    @Test
    void updateThatIsNotFiniteCountsAsZeros() {
        assertThat(encoded(silent(1, 1 << 20, 0, 2), 1, Float.NaN)).containsExactly(0, 0);
        assertThat(encoded(silent(1, 1 << 20, 0, 2), 1, Float.POSITIVE_INFINITY))
                .containsExactly(0, 0);
    }

    /** The noise on the sum of the shares of four clients that change nothing, over what the event says. */
    private static double[] noise(double multiplier) {
        int dimension = 20_000;
        NoiseShares noise = NoiseShares.builder("run", dimension)
                .clippingNorm(1)
                .noiseMultiplier(multiplier)
                .leastShares(4)
                .resolution(1000)
                .build();
        Config settings = settings(noise);
        double[] sum = new double[dimension];
        for (int client = 0; client < 4; client++) {
            long[] share = encoded(ShareSettings.of(settings), new float[dimension]);
            for (int i = 0; i < dimension; i++) {
                sum[i] += share[i];
            }
        }
        double expected = 0.7 * DistributedNoise.roundedL2Norm(1000, NoiseShares.DEFAULT_BETA, dimension);
        return Arrays.stream(sum).map(each -> each / expected).toArray();
    }

    private static Config settings(NoiseShares noise) {
        return noise.appliedTo(plain())
                .start(Config.empty())
                .clientTransforms()
                .get(0)
                .settings();
    }

    @Test
    void sharesAddUpToTheNoiseThatIsCharged() {
        StatisticalAssertions.assertNormalDeviation(noise(0.7), 0, 1, FALSE_ALARM);
        StatisticalAssertions.assertMean(noise(0.7), 0, 1, FALSE_ALARM);
    }

    @Test
    void smallerSharesFailTheSameCheck() {
        double[] samples = noise(0.7 * Math.sqrt(0.75));
        assertThatThrownBy(() -> StatisticalAssertions.assertNormalDeviation(samples, 0, 1, FALSE_ALARM))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void chargesTheLeastNumberOfShares() {
        NoiseShares noise = NoiseShares.builder("run/heart", 100)
                .clippingNorm(0.5)
                .noiseMultiplier(1.2)
                .leastShares(9)
                .resolution(1024)
                .build();
        double norm = DistributedNoise.roundedL2Norm(1024, NoiseShares.DEFAULT_BETA, 100);
        PrivacyEvent.DistributedDiscreteGaussian event = (PrivacyEvent.DistributedDiscreteGaussian) noise.event();
        assertThat(event.clients()).isEqualTo(9);
        assertThat(event.dimension()).isEqualTo(100);
        assertThat(event.l2Sensitivity()).isEqualTo(norm);
        assertThat(event.sigma() * 3).isBetween(1.2 * norm, 1.2 * norm * (1 + 1e-15));
        assertThat(ShareSettings.of(settings(noise)).sigma()).isEqualTo(event.sigma());
    }

    @Test
    void skellamSharesAddUpToWhatIsCharged() {
        int dimension = 4000;
        NoiseShares noise = NoiseShares.builder("run", dimension)
                .clippingNorm(1)
                .noiseMultiplier(0.5)
                .leastShares(5)
                .resolution(40)
                .skellam()
                .build();
        PrivacyEvent.DistributedSkellam event = (PrivacyEvent.DistributedSkellam) noise.event();
        double norm = DistributedNoise.roundedL2Norm(40, NoiseShares.DEFAULT_BETA, dimension);
        assertThat(event.clients()).isEqualTo(5);
        assertThat(event.l2Sensitivity()).isEqualTo(norm);
        assertThat(event.variance() * 5).isBetween(0.25 * norm * norm, 0.25 * norm * norm + 10);
        double[] sum = new double[dimension];
        for (int client = 0; client < 5; client++) {
            long[] share = encoded(ShareSettings.of(settings(noise)), new float[dimension]);
            for (int i = 0; i < dimension; i++) {
                sum[i] += share[i];
            }
        }
        StatisticalAssertions.assertNormalDeviation(sum, 0, Math.sqrt(event.variance() * 5), FALSE_ALARM);
        assertRefused(builder().skellam(), "lower the resolution");
    }

    @Test
    void modulusHoldsTheSum() {
        NoiseShares noise = NoiseShares.builder("run", 1)
                .clippingNorm(1)
                .noiseMultiplier(1)
                .leastShares(1)
                .resolution(1000)
                .build();
        // 10 x 1001 and 11.5 x sqrt(10) x 1001: below 2^16, with a sign.
        assertThat(noise.modulusBits(10)).isEqualTo(17);
    }

    /** A mean of models, each counting alike. */
    private static final class PlainMean implements Aggregator.Streaming {
        private Model start = Model.empty();
        private final List<double[]> sums = new ArrayList<>();
        private int count;

        @Override
        public boolean isPlainMean() {
            return true;
        }

        @Override
        public void begin(Model global) {
            start = global;
            sums.clear();
            global.tensors().forEach(tensor -> sums.add(new double[(int) tensor.elementCount()]));
            count = 0;
        }

        @Override
        public void accumulate(List<WeightedUpdate> updates) {
            for (WeightedUpdate update : updates) {
                Model model = update.update().model().orElseThrow();
                for (int t = 0; t < sums.size(); t++) {
                    model.tensors().get(t).addScaledTo(0, sums.get(t), 0, sums.get(t).length, 1);
                }
                count++;
            }
        }

        @Override
        public Aggregate finish() {
            sums.forEach(sum -> Arrays.setAll(sum, i -> sum[i] / count));
            return Aggregate.wrap(UpdateForm.MODEL, start.spec(), sums, count, count);
        }
    }

    private static Strategy plain() {
        return Strategy.builder("Mean", PlainMean::new, ServerOptimizer::identity)
                .build();
    }

    /** Moves the weights by this. */
    private static Client moving(float first, float second) {
        return (task, context) -> ClientUpdate.ofModel(
                model(
                        (float) task.model().tensor("w").get(0) + first,
                        (float) task.model().tensor("w").get(1) + second),
                5);
    }

    private static Run run(NoiseShares noise, RecordingBudget budget, int clients) throws Exception {
        return Federation.of(Collections.nCopies(clients, moving(0.3f, -0.4f)))
                .strategy(noise.appliedTo(plain()))
                .initialModel(model(0, 0))
                .rounds(2)
                .privacyBudget(budget)
                .evaluateEvery(0)
                .run();
    }

    @Test
    void worksThroughAWholeFederation() throws Exception {
        RecordingBudget budget = new RecordingBudget(Integer.MAX_VALUE);
        NoiseShares noise = NoiseShares.builder("run/two", 2)
                .clippingNorm(1)
                .noiseMultiplier(1e-4)
                .leastShares(3)
                .build();

        Run run = run(noise, budget, 4);

        assertThat(run.model().tensor("w").get(0)).isCloseTo(0.6, within(2e-3));
        assertThat(run.model().tensor("w").get(1)).isCloseTo(-0.8, within(2e-3));
        assertThat(run.model().tensor("mean").get(0)).isEqualTo(7);
        assertThat(run.model().tensor("batches").toLongArray()).containsExactly(3);
        assertThat(budget.charges).hasSize(2).allSatisfy(charge -> {
            assertThat(charge.mechanism()).isEqualTo(noise.event().toString());
            assertThat(charge.parameters().getString("relation")).contains("replace-special");
        });
    }

    @Test
    void fewerSharesThanWereChargedForAreNoMean() {
        ShareMean mean = new ShareMean(3, round -> {
            throw new AssertionError();
        });
        Model global = model(0, 0);
        ClientUpdate delta = ClientUpdate.ofModelDelta(model(1, 1), 1);
        mean.begin(global);
        mean.accumulate(List.of(new WeightedUpdate("a", delta, 1), new WeightedUpdate("b", delta, 1)));
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(mean::finish)
                .withMessage("the noise needs the shares of 3 clients, there were 2");
        assertThat(mean.leastUpdates()).isEqualTo(3);
    }

    @Test
    void clientsFindTheEncoderByItsName() {
        UpdateTransform.Factory factory = ServiceLoader.load(UpdateTransform.Factory.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(each -> each.name().equals(NoiseShares.NAME))
                .findFirst()
                .orElseThrow();
        ShareSettings settings = silent(1, 8, 0, 2);
        assertThat(factory.create(settings.toConfig()).description()).contains("clippingNorm=1.0");
        assertThatThrownBy(() -> factory.create(settings.toConfig().with("clipingNorm", 2)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("clipingNorm");
        assertThatThrownBy(() -> factory.create(settings.toConfig().with("clippingNorm", 0.0)))
                .hasMessageContaining("clippingNorm must be > 0");
        assertThatThrownBy(() -> factory.create(settings.toConfig().with("noise", "none")))
                .hasMessageContaining("noise must be discrete-gaussian or skellam");
        assertThatThrownBy(() -> factory.create(settings.toConfig().with("sigma", 0.0)))
                .hasMessageContaining("sigma must be in");
    }

    @Test
    void decoderBelievesNothing() {
        ShareDecoder decoder = new ShareDecoder(silent(1, 8, 0, 2));
        Model good =
                Model.builder().buffer("w", Tensor.copyOf(new long[] {1, 2})).build();
        Model floats =
                Model.builder().buffer("w", Tensor.wrap(new float[] {1, 2})).build();
        Model longer =
                Model.builder().buffer("w", Tensor.copyOf(new long[] {1, 2, 3})).build();
        Model more = Model.builder()
                .buffer("w", Tensor.copyOf(new long[] {1, 2}))
                .buffer("v", Tensor.copyOf(new long[] {1}))
                .build();
        assertRefused(decoder, ClientUpdate.ofModel(good, 1), "must be a MODEL_DELTA");
        assertRefused(decoder, ClientUpdate.ofModelDelta(floats, 1), "must be INT64");
        assertRefused(decoder, ClientUpdate.ofModelDelta(longer, 1), "must be INT64");
        assertRefused(decoder, ClientUpdate.ofModelDelta(more, 1), "must have 1 tensors, had 2");
        assertRefused(decoder, ClientUpdate.ofModelDelta(Model.empty(), 1), "is missing");
        assertRefused(decoder, ClientUpdate.ofModelDelta(good, 1).withMetric("loss", 1), "nothing beside");
    }

    private static void assertRefused(ShareDecoder decoder, ClientUpdate update, String reason) {
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> decoder.apply(update, context(model(0, 0))))
                .withMessageContaining(reason);
    }

    @Test
    void encoderRefusesAModelOfAnotherSize() {
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> encoded(silent(1, 8, 0, 3), 1, 2))
                .withMessage("noise is for 3 trainables, the model has 2");
    }

    @Test
    void refusesStrategiesThatAreNoPlainMean() {
        NoiseShares noise = NoiseShares.builder("run", 2)
                .clippingNorm(1)
                .noiseMultiplier(1)
                .leastShares(2)
                .build();
        Strategy once = noise.appliedTo(plain());
        assertThat(once.name()).isEqualTo("Distributed-DP-Mean");
        assertThatThrownBy(() -> noise.appliedTo(once)).hasMessageContaining("it is private already");
        Strategy coded = plain().toBuilder()
                .codec(new TransformSpec("other", Config.empty()), () -> new ShareDecoder(silent(1, 8, 0, 2)))
                .build();
        assertThatThrownBy(() -> noise.appliedTo(coded)).hasMessageContaining("cannot be made private");
    }

    @Test
    void refusesSettingsOutOfRangeByName() {
        assertRefused(builder().clippingNorm(-1), "clippingNorm must be > 0");
        assertRefused(builder().noiseMultiplier(Double.POSITIVE_INFINITY), "noiseMultiplier must be > 0");
        assertRefused(builder().leastShares(0), "leastShares must be >= 1");
        assertRefused(builder().resolution(0), "resolution must be in");
        assertRefused(builder().beta(1), "beta must be in");
        assertRefused(builder().noiseMultiplier(1e-9), "at least 0.5 steps");
        assertRefused(
                NoiseShares.builder("run", 0).clippingNorm(1).noiseMultiplier(1).leastShares(2), "trainables");
        assertRefused(
                NoiseShares.builder("", 5).clippingNorm(1).noiseMultiplier(1).leastShares(2), "scope");
    }

    private static NoiseShares.Builder builder() {
        return NoiseShares.builder("run", 5).clippingNorm(1).noiseMultiplier(1).leastShares(2);
    }

    private static void assertRefused(NoiseShares.Builder builder, String message) {
        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }
}
