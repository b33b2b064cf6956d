package io.fedlearn.aggregators.transform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TopKTest {
    private static float[] decoded(TopK codec, Model delta, Codecs.State state) {
        Model global = Model.zeros(delta.spec());
        ClientUpdate encoded = Codecs.encode(codec, ClientUpdate.ofModelDelta(delta, 1), global, 0, state);
        return Codecs.decode(codec, encoded, global)
                .model()
                .orElseThrow()
                .tensor("w")
                .toFloatArray();
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.01, 0.1, 0.5, 1})
    void whatWasSentAndWhatIsKeptAddUpToWhatWasComputed(double share) {
        // Multiples of 2^-10 below 2^10: float32 holds every sum exactly.
        SeededRandom random = SeededRandom.of(3);
        TopK codec = TopK.withShare(share);
        Codecs.State state = new Codecs.State();
        int length = 20_000;
        double[] computed = new double[length];
        double[] sent = new double[length];
        for (int round = 0; round < 20; round++) {
            float[] delta = new float[length];
            for (int i = 0; i < length; i++) {
                delta[i] = (random.nextInt(2001) - 1000) * 0x1p-10f;
                computed[i] += delta[i];
            }
            float[] decoded = decoded(codec, Codecs.model(delta), state);
            for (int i = 0; i < length; i++) {
                sent[i] += decoded[i];
            }
        }

        double[] kept =
                Objects.requireNonNull(state.values.get(TopK.NAME)).tensor("w").toDoubleArray();

        for (int i = 0; i < length; i++) {
            assertThat(sent[i] + kept[i]).isEqualTo(computed[i]);
        }
        if (share < 1) {
            assertThat(Arrays.stream(kept).filter(x -> x != 0).count()).isGreaterThan(length / 10);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "17, 0.1", "8192, 0.01", "8193, 0.999", "30000, 0.05", "30000, 1"})
    void takesTheLargestAsSortingWould(int length, double share) {
        SeededRandom random = SeededRandom.of(length);
        float[] delta = new float[length];
        for (int i = 0; i < length; i++) {
            // Many equal ones, over all magnitudes.
            delta[i] = (float) ((random.nextInt(9) - 4) * Math.scalb(1.0, random.nextInt(250) - 140));
        }
        int k = (int) Math.max(1, Math.round(share * length));
        float[] expected = new float[length];
        IntStream.range(0, length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -Math.abs(delta[i])))
                .limit(k)
                .forEach(i -> expected[i] = delta[i]);

        assertThat(decoded(TopK.withShare(share), Codecs.model(delta), new Codecs.State()))
                .containsExactly(expected);
    }

    @Test
    void writesDistancesInTheShortestType() {
        for (int gap : new int[] {255, 256, 65_535, 65_536}) {
            float[] delta = new float[gap + 2];
            delta[0] = 1;
            delta[gap + 1] = -2;
            Model model = Codecs.model(delta);

            ClientUpdate encoded = Codecs.encode(
                    TopK.withShare(2.0 / delta.length),
                    ClientUpdate.ofModelDelta(model, 1),
                    Model.zeros(model.spec()),
                    0);

            Tensor gaps =
                    Objects.requireNonNull(encoded.tensors().get(TopK.NAME)).tensor("w");
            assertThat(gaps.toLongArray()).containsExactly(0, gap, 0);
            assertThat(gaps.type())
                    .isEqualTo(gap < 256 ? TensorType.UINT8 : gap < 65_536 ? TensorType.UINT16 : TensorType.UINT32);
        }
    }

    @Test
    void forgetsWhatIsNotSentWithoutFeedback() {
        TopK codec = TopK.withShare(0.5).withoutErrorFeedback();
        Codecs.State state = new Codecs.State();

        assertThat(decoded(codec, Codecs.model(3, 2), state)).containsExactly(3, 0);
        assertThat(decoded(codec, Codecs.model(0, 0.1f), state)).containsExactly(0, 0.1f);
        assertThat(state.values).isEmpty();
    }

    @Test
    void savesWhatItKeepsInEveryRound() {
        Codecs.State state = new Codecs.State();
        decoded(TopK.withShare(1), Codecs.model(3, 2), state);

        assertThat(state.values.get(TopK.NAME)).isEqualTo(Codecs.model(0, 0));
    }

    @Test
    void refusesAStateOfAnotherModel() {
        Codecs.State state = new Codecs.State();
        decoded(TopK.withShare(0.5), Codecs.model(3, 2, 1), state);

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> decoded(TopK.withShare(0.5), Codecs.model(3, 2), state))
                .withMessageContaining("tensor 'w'");
    }

    @Test
    void quantisesWhatItKeepsAndNothingElse() {
        TopK top = TopK.withShare(0.1);
        StochasticQuantization int8 = StochasticQuantization.create();
        SeededRandom random = SeededRandom.of(9);
        float[] delta = new float[5000];
        for (int i = 0; i < delta.length; i++) {
            delta[i] = (float) random.nextGaussian();
        }
        Model model = Codecs.model(delta);
        Model global = Model.zeros(model.spec());

        ClientUpdate sparse = Codecs.encode(top, ClientUpdate.ofModelDelta(model, 1), global, 1);
        ClientUpdate encoded = Codecs.encode(int8, sparse, global, 2);
        ClientUpdate decoded = Codecs.decode(top, Codecs.decode(int8, encoded, global), global);

        float[] exact = Codecs.decode(top, sparse, global)
                .model()
                .orElseThrow()
                .tensor("w")
                .toFloatArray();
        float[] rounded = decoded.model().orElseThrow().tensor("w").toFloatArray();
        float step = Objects.requireNonNull(encoded.tensors().get(StochasticQuantization.NAME))
                .tensor("w")
                .toFloatArray()[0];
        int differing = 0;
        for (int i = 0; i < delta.length; i++) {
            assertThat(Math.abs(rounded[i] - exact[i])).isLessThan(exact[i] == 0 ? Float.MIN_VALUE : step);
            differing += rounded[i] == exact[i] ? 0 : 1;
        }
        assertThat(differing).isBetween(450, 500);
        assertThat(decoded.tensors()).isEmpty();
        assertThat(encoded.byteCount()).isEqualTo(500 + 501 + 4);
    }
}
