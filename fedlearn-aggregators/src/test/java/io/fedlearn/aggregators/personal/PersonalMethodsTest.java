package io.fedlearn.aggregators.personal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.transform.NormClipping;
import io.fedlearn.aggregators.transform.StochasticQuantization;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PersonalMethodsTest {
    private static final Model START = LineModel.start();

    private static Run run(Strategy strategy) throws InterruptedException {
        return Federation.of(Map.of("a", LineModel.site(1), "b", LineModel.site(2)))
                .strategy(strategy)
                .initialModel(START)
                .rounds(2)
                .run();
    }

    private static List<String> unchanged(Run run) {
        return START.spec().tensors().stream()
                .map(tensor -> tensor.name())
                .filter(name -> run.model().tensor(name).equals(START.tensor(name)))
                .toList();
    }

    @Test
    void fedBnKeepsLayersWithBuffers() throws Exception {
        Run run = run(FedBN.create());

        assertThat(run.header().strategy()).isEqualTo("FedBN");
        assertThat(unchanged(run)).containsExactly("norm.shift", "norm.mean", "norm.batches");
    }

    @Test
    void fedBnKeepsWhatItIsTold() throws Exception {
        assertThat(unchanged(run(FedBN.keeping(LocalTensors.buffers())))).containsExactly("norm.mean", "norm.batches");
        assertThat(unchanged(run(FedBN.keeping(
                        LocalTensors.of(TensorSelection.matching("*shift").and(TensorSelection.buffers()))))))
                .containsExactly("norm.shift", "norm.mean", "norm.batches");
    }

    @Test
    void fedBnRefusesAModelWithoutSuchLayers() {
        Model plain = Model.builder()
                .trainable("weight", Tensor.scalar(1f))
                .trainable("bias", Tensor.scalar(1f))
                .build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Federation.of(Map.of("a", LineModel.site(1)))
                        .strategy(FedBN.create())
                        .initialModel(plain)
                        .run())
                .withMessage("no tensor of the model is '@layers-with-buffers': it has weight, bias");
    }

    @Test
    void fedPerKeepsTheHeadAndSendsTheRest() throws Exception {
        Run run = run(FedPer.withHead("head.*"));

        assertThat(run.header().strategy()).isEqualTo("FedPer");
        assertThat(unchanged(run)).containsExactly("head.bias");
        assertThat(run.records().get(1).outcomes())
                .allSatisfy(outcome -> assertThat(outcome.savedBytes()).isEqualTo(4));
    }

    @Test
    void codecsAndClippingWorkWithAHeadThatIsLeftOut() throws Exception {
        Strategy clipped = LocalTensors.matching("head.*")
                .leftOut()
                .appliedTo(FedAvg.create().toBuilder()
                        .serverTransform(() -> NormClipping.withClippingNorm(100))
                        .build());
        Run plain = run(clipped);
        Run coded = run(StochasticQuantization.create().appliedTo(clipped));

        assertThat(coded.header()
                        .settings()
                        .getString("strategy.serverTransforms")
                        .orElseThrow())
                .containsSubsequence("stochastic-quantization(", "partial-transfer(", "norm-clipping(");
        for (Run run : List.of(plain, coded)) {
            assertThat(unchanged(run)).containsExactly("head.bias");
            assertThat(run.records().get(1).outcomes()).allMatch(outcome -> outcome.isCompleted());
        }
        // A tensor of one value is its block's largest, which is coded to within a rounding of its scale.
        assertThat(coded.model().tensor("body.weight").get(0))
                .isCloseTo(plain.model().tensor("body.weight").get(0), within(1e-4));
    }

    @Test
    void fedPerWantsAHead() {
        assertThatIllegalArgumentException().isThrownBy(FedPer::withHead);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> run(FedPer.withHead("head/*")))
                .withMessageStartingWith("no tensor of the model is 'head/*': it has body.weight");
    }
}
