package io.fedlearn.aggregators.transform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.personal.PartialTransfer;
import io.fedlearn.aggregators.personal.TensorSelection;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.QuorumNotReachedException;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.InMemoryRunStore;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.testkit.client.DriftClient;
import io.fedlearn.testkit.generator.ModelGenerator;
import io.fedlearn.testkit.runtime.ShuffledRuntime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Codecs in a federation: same bits whatever the order and after a restart, and what they save in the record. */
class CodecFederationTest {
    private static final int ROUNDS = 5;
    private static final int CLIENTS = 5;
    private static final int COHORT = 3;

    // 280 + 7 trainables, 3 values of a buffer, 1 counter.
    private static final ModelSpec SPEC = ModelSpec.of(List.of(
            new TensorSpec("w", TensorType.FLOAT32, Shape.of(40, 7), TensorRole.TRAINABLE),
            new TensorSpec("b", TensorType.FLOAT32, Shape.of(7), TensorRole.TRAINABLE),
            new TensorSpec("mean", TensorType.FLOAT32, Shape.of(3), TensorRole.BUFFER),
            new TensorSpec("batches", TensorType.INT64, Shape.scalar(), TensorRole.COUNTER)));
    private static final long PLAIN_BYTES = 4 * (280 + 7 + 3) + 8;

    /** Codecs put on a strategy one after the other. */
    record Chain(List<Codec> codecs) {
        static Chain of(Codec... codecs) {
            return new Chain(List.of(codecs));
        }

        Strategy on(Strategy strategy) {
            Strategy result = strategy;
            for (Codec codec : codecs) {
                result = codec.appliedTo(result);
            }
            return result;
        }

        @Override
        public String toString() {
            return codecs.toString();
        }
    }

    static List<Chain> chains() {
        return List.of(
                Chain.of(ReducedPrecision.float16()),
                Chain.of(ReducedPrecision.bfloat16()),
                Chain.of(StochasticQuantization.withBlockSize(64)),
                Chain.of(TopK.withShare(0.1)),
                Chain.of(RandomMask.withShare(0.3)),
                Chain.of(TopK.withShare(0.1), StochasticQuantization.create()));
    }

    /** Also what makes little sense, as long as it is decoded. */
    static List<Chain> longChains() {
        return List.of(
                Chain.of(TopK.withShare(0.5), RandomMask.withShare(0.5)),
                Chain.of(RandomMask.withShare(0.5), TopK.withShare(0.5).withoutErrorFeedback()),
                Chain.of(RandomMask.withShare(1), TopK.withShare(1).withoutErrorFeedback()),
                Chain.of(ReducedPrecision.float16(), TopK.withShare(0.5)),
                Chain.of(TopK.withShare(0.5), ReducedPrecision.bfloat16()),
                Chain.of(ReducedPrecision.bfloat16(), StochasticQuantization.create()),
                Chain.of(RandomMask.withShare(0.5), StochasticQuantization.withBlockSize(3)),
                Chain.of(
                        RandomMask.withShare(0.5).unscaled(),
                        TopK.withShare(0.5).withoutErrorFeedback(),
                        ReducedPrecision.float16(),
                        StochasticQuantization.create()));
    }

    private static Map<String, Client> clients() {
        Map<String, Client> clients = new TreeMap<>();
        for (int i = 0; i < CLIENTS; i++) {
            clients.put("site-" + i, DriftClient.withExamples(10 + 3 * i));
        }
        return clients;
    }

    private static Federation.Builder configured(Federation.Builder federation, Strategy strategy) {
        return federation
                .strategy(strategy)
                .initialModel(ModelGenerator.of(3).nextModerate(SPEC))
                .rounds(ROUNDS)
                .seed(7)
                .federatedEvaluation(false)
                .runId("encoded");
    }

    private static Federation.Builder federation(Strategy strategy, ClientStateStore states) {
        return configured(Federation.of(clients()), strategy).clientStates(states);
    }

    private static Run run(Strategy strategy) throws InterruptedException {
        return federation(strategy, InMemoryClientStateStore.create()).run();
    }

    private static Strategy fedAvg(Chain chain) {
        return chain.on(FedAvg.create().withSelector(ClientSelector.uniform(COHORT)));
    }

    private static Strategy fedAdam(Chain chain) {
        return chain.on(FedAdam.withServerLearningRate(0.01).withSelector(ClientSelector.uniform(COHORT)));
    }

    @ParameterizedTest
    @MethodSource("chains")
    void givesTheSameBitsInWhateverOrderUpdatesArrive(Chain chain) throws Exception {
        for (Strategy strategy : List.of(fedAvg(chain), fedAdam(chain))) {
            Run inOrder = run(strategy);
            try (ShuffledRuntime runtime = ShuffledRuntime.builder(
                            InProcessRuntime.builder(clients())
                                    .clientStates(InMemoryClientStateStore.create())
                                    .build(),
                            4)
                    .withBatch(COHORT)
                    .build()) {
                Run shuffled = configured(Federation.of(runtime), strategy).run();

                assertThat(shuffled.model().digest()).isEqualTo(inOrder.model().digest());
            }
            assertThat(inOrder.records()).allSatisfy(CodecFederationTest::isCompleted);
        }
    }

    private static void isCompleted(RoundRecord round) {
        assertThat(round.outcomes()).allSatisfy(outcome -> {
            assertThat(outcome.reason()).isEmpty();
            assertThat(outcome.isCompleted()).isTrue();
        });
    }

    @ParameterizedTest
    @MethodSource("chains")
    void runThatDiedEndsWithTheSameBits(Chain chain) throws Exception {
        for (Strategy strategy : List.of(fedAvg(chain), fedAdam(chain))) {
            InMemoryRunStore store = InMemoryRunStore.create();
            InMemoryClientStateStore states = InMemoryClientStateStore.create();
            // All clients have saved what they keep for round 3, and the round does not count.
            assertThatThrownBy(() -> federation(strategy, states)
                            .store(new DyingStore(store, 3))
                            .run())
                    .isInstanceOf(DyingStore.Death.class);

            Run resumed = federation(strategy, states).store(store).resume(true).run();

            assertThat(resumed.model().digest()).isEqualTo(run(strategy).model().digest());
        }
    }

    @ParameterizedTest
    @MethodSource("longChains")
    void decodesWhatSeveralCodecsEncoded(Chain chain) throws Exception {
        Run run = run(fedAvg(chain));

        assertThat(run.records()).allSatisfy(CodecFederationTest::isCompleted);
        assertThat(run.model().spec()).isEqualTo(SPEC);
        assertThat(run.model().digest())
                .isNotEqualTo(ModelGenerator.of(3).nextModerate(SPEC).digest());
    }

    @Test
    void recordsTheBytesThatEachCodecSaves() throws Exception {
        assertThat(savedBytes(Chain.of())).containsOnly(0L);
        assertThat(savedBytes(Chain.of(ReducedPrecision.float16()))).containsOnly(2L * (280 + 7 + 3));
        assertThat(savedBytes(Chain.of(ReducedPrecision.bfloat16()))).containsOnly(2L * (280 + 7 + 3));
        // A byte for each value, and five scales for w, one for b, one for mean.
        assertThat(savedBytes(Chain.of(StochasticQuantization.withBlockSize(64))))
                .containsOnly(3L * (280 + 7 + 3) - 4 * (5 + 1 + 1));
        // 28 of w and 1 of b, a byte for each distance and for each end; the buffer whole.
        assertThat(savedBytes(Chain.of(TopK.withShare(0.1)))).containsOnly(4L * (280 + 7 - 28 - 1) - (29 + 2));
        // The same with one byte for a value, and scales for w, b and mean.
        assertThat(savedBytes(Chain.of(TopK.withShare(0.1), StochasticQuantization.create())))
                .containsOnly(4L * (280 + 7 + 3) - (28 + 1 + 3) - (29 + 2) - 4 * 3);
        // All values, and the seed: longer than before.
        assertThat(savedBytes(Chain.of(RandomMask.withShare(1)))).containsOnly(-8L);
    }

    @Test
    void recordsTheBytesThatARandomMaskSaves() throws Exception {
        for (OutcomeRecord outcome : outcomes(Chain.of(RandomMask.withShare(0.3)))) {
            // Seed, buffer and counter beside the kept values.
            long kept = (outcome.updateBytes() - 8 - 12 - 8) / 4;

            assertThat(outcome.savedBytes()).isEqualTo(4 * (280 + 7 - kept) - 8);
            // Five standard deviations around 287 x 0.3.
            assertThat(kept).isBetween(48L, 125L);
        }
    }

    private static List<Long> savedBytes(Chain chain) throws InterruptedException {
        return outcomes(chain).stream().map(OutcomeRecord::savedBytes).toList();
    }

    private static List<OutcomeRecord> outcomes(Chain chain) throws InterruptedException {
        List<OutcomeRecord> outcomes = run(fedAvg(chain)).records().stream()
                .flatMap(round -> round.outcomes().stream())
                .toList();
        assertThat(outcomes)
                .hasSize(ROUNDS * COHORT)
                .allSatisfy(outcome ->
                        assertThat(outcome.updateBytes() + outcome.savedBytes()).isEqualTo(PLAIN_BYTES));
        return outcomes;
    }

    @Test
    void encodesLastAtClientsAndDecodesFirstAtTheServer() {
        Strategy clipped = FedAvg.create().toBuilder()
                .clientTransform(NormClipping.atClient(2))
                .serverTransform(() -> NormClipping.withClippingNorm(3))
                .build();

        Strategy strategy = StochasticQuantization.withBlockSize(64)
                .appliedTo(TopK.withShare(0.1).appliedTo(clipped));

        assertThat(strategy.settings().getString("clientTransforms"))
                .hasValueSatisfying(text ->
                        assertThat(text).containsSubsequence("norm-clipping", "top-k", "stochastic-quantization"));
        assertThat(strategy.settings().getString("serverTransforms"))
                .contains("stochastic-quantization(blockSize=64), top-k(share=0.1, errorFeedback=true),"
                        + " norm-clipping(clippingNorm=3.0)");
    }

    @Test
    void saysWhatClientsMustBeAbleToDo() {
        assertThat(TopK.withShare(0.1).appliedTo(FedAvg.create()).requirements())
                .containsExactlyInAnyOrder(
                        Capability.CLIENT_TRANSFORMS,
                        Capability.NAMED_TENSORS,
                        Capability.SIDE_TENSORS,
                        Capability.STABLE_IDENTITY,
                        Capability.CLIENT_STATE);
        assertThat(TopK.withShare(0.1)
                        .withoutErrorFeedback()
                        .appliedTo(FedAvg.create())
                        .requirements())
                .containsExactlyInAnyOrder(
                        Capability.CLIENT_TRANSFORMS, Capability.NAMED_TENSORS, Capability.SIDE_TENSORS);
    }

    @Test
    void isAppliedOnceOnly() {
        Strategy strategy = ReducedPrecision.float16().appliedTo(FedAvg.create());

        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReducedPrecision.bfloat16().appliedTo(strategy))
                .withMessageContaining("reduced-precision");
    }

    @Test
    void encodesWhatAPartialTransferLeaves() throws Exception {
        Strategy partial = PartialTransfer.without(TensorSelection.matching("w"))
                .addedTo(FedAvg.create().toBuilder())
                .build();

        Run run = run(
                Chain.of(TopK.withShare(0.5), StochasticQuantization.create()).on(partial));

        Model start = ModelGenerator.of(3).nextModerate(SPEC);
        assertThat(run.records()).allSatisfy(CodecFederationTest::isCompleted);
        assertThat(run.model().tensor("w")).isEqualTo(start.tensor("w"));
        assertThat(run.model().tensor("b")).isNotEqualTo(start.tensor("b"));
    }

    @Test
    void refusesAnOrderThatCannotWork() {
        Chain feedbackOnAMask = Chain.of(RandomMask.withShare(0.5), TopK.withShare(0.5));
        Chain sparseIntegers = Chain.of(StochasticQuantization.create(), RandomMask.withShare(0.5));

        assertThatExceptionOfType(QuorumNotReachedException.class)
                .isThrownBy(() -> run(fedAvg(feedbackOnAMask)))
                .withMessageContaining("top-k with error feedback must come first");
        assertThatExceptionOfType(QuorumNotReachedException.class)
                .isThrownBy(() -> run(fedAvg(sparseIntegers)))
                .withMessageContaining("random-mask must come before what makes integers of it");
    }

    @Test
    void clippingSeesDecodedUpdates() throws Exception {
        Strategy clipped = FedAvg.create().toBuilder()
                .serverTransform(() -> NormClipping.withClippingNorm(1e-3))
                .build();
        Model start = ModelGenerator.of(3).nextModerate(SPEC);

        Run run = federation(TopK.withShare(0.1).appliedTo(clipped), InMemoryClientStateStore.create())
                .rounds(1)
                .run();

        assertThat(run.records()).allSatisfy(CodecFederationTest::isCompleted);
        double square = 0;
        for (String name : List.of("w", "b")) {
            double[] before = start.tensor(name).toDoubleArray();
            double[] after = run.model().tensor(name).toDoubleArray();
            for (int i = 0; i < before.length; i++) {
                square += (after[i] - before[i]) * (after[i] - before[i]);
            }
        }
        assertThat(Math.sqrt(square)).isPositive().isLessThan(1.001e-3);
    }

    /** A store whose process dies before the commit of one round. */
    private record DyingStore(RunStore inner, int round) implements RunStore {
        private static final class Death extends RuntimeException {
            private static final long serialVersionUID = 1L;
        }

        @Override
        public Optional<SavedRun> load() {
            return inner.load();
        }

        @Override
        public void create(RunHeader header, Checkpoint initial) {
            inner.create(header, initial);
        }

        @Override
        public void commit(Checkpoint checkpoint, boolean best) {
            if (checkpoint.round() == round) {
                throw new Death();
            }
            inner.commit(checkpoint, best);
        }

        @Override
        public Optional<Model> model(int number) {
            return inner.model(number);
        }

        @Override
        public void close() {}
    }
}
