package io.fedlearn.examples.conformance;

import io.fedlearn.aggregators.robust.Krum;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Krum where updates are small against the weights, as late in training: 10 models of 200,000 float32 weights of size 0.05 that
 * differ by 1e-5. {@code ||x||^2 + ||y||^2 - 2 x y} in float32 gives negative squared distances there, and Krum on them picks
 * anyone; differences in float64 do not.
 */
final class KrumDistances implements Experiment {
    private static final int MODELS = 10;
    private static final int LENGTH = 200_000;
    private static final int BAD_CLIENTS = 2;
    private static final int DRAWS = 3;
    private static final int LANES = 16;
    private static final double SCALE = 0.05;
    private static final double DIFFERENCE = 1e-5;

    private final Claim pick = new Claim(
            "krum-distances/pick",
            "the formula of Flower 1.29's Krum, in NumPy: measured for this project",
            "45 of 100 squared distances negative in float32",
            "picks what exact arithmetic picks, in " + DRAWS + " of " + DRAWS + " draws");

    KrumDistances() {}

    @Override
    public String name() {
        return "krum-distances";
    }

    @Override
    public String description() {
        return "Krum between models that differ by little";
    }

    @Override
    public boolean needsMnist() {
        return false;
    }

    @Override
    public List<Claim> claims() {
        return List.of(pick);
    }

    @Override
    public List<Row> run(Bench bench) throws InterruptedException {
        int right = 0;
        int rightInFloats = 0;
        int negative = 0;
        for (int draw = 0; draw < DRAWS; draw++) {
            float[][] models = models(SeededRandom.derive(bench.seed(), draw));
            double[][] exact = exact(models);
            double[][] floats = inFloats(models);
            int best = krum(exact);
            right += pickOfKrum(models) == best ? 1 : 0;
            rightInFloats += krum(floats) == best ? 1 : 0;
            negative += (int) Arrays.stream(floats)
                    .flatMapToDouble(Arrays::stream)
                    .filter(square -> square < 0)
                    .count();
        }
        return List.of(pick.measured(
                right == DRAWS,
                "%d of %d; with the float32 formula %d, and %d of 100 squared distances negative",
                right,
                DRAWS,
                rightInFloats,
                negative / DRAWS));
    }

    /** Models around one, some nearer to it than others, so that one of them is the most central. */
    private static float[][] models(long seed) {
        SeededRandom random = SeededRandom.of(seed);
        float[] centre = new float[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            centre[i] = (float) (SCALE * random.nextGaussian());
        }
        int[] order = new int[MODELS];
        Arrays.setAll(order, k -> k);
        random.shuffle(order);
        float[][] models = new float[MODELS][LENGTH];
        for (int k = 0; k < MODELS; k++) {
            double distance = DIFFERENCE * (0.5 + (double) order[k] / MODELS);
            for (int i = 0; i < LENGTH; i++) {
                models[k][i] = (float) (centre[i] + distance * random.nextGaussian());
            }
        }
        return models;
    }

    private static int pickOfKrum(float[][] models) throws InterruptedException {
        Map<String, Client> clients = new TreeMap<>();
        List<String> digests = new ArrayList<>();
        for (int k = 0; k < models.length; k++) {
            Model model =
                    Model.builder().trainable("w", Tensor.copyOf(models[k])).build();
            digests.add(model.digest());
            clients.put("client-" + k, (task, context) -> ClientUpdate.ofModel(model, 1));
        }
        Model global =
                Model.builder().trainable("w", Tensor.copyOf(new float[LENGTH])).build();
        String picked = Federation.of(clients)
                .strategy(Krum.bearing(BAD_CLIENTS))
                .initialModel(global)
                .rounds(1)
                .evaluateEvery(0)
                .run()
                .model()
                .digest();
        return digests.indexOf(picked);
    }

    private static double[][] exact(float[][] models) {
        return squares((a, b) -> {
            double sum = 0;
            for (int i = 0; i < LENGTH; i++) {
                double difference = (double) models[a][i] - models[b][i];
                sum += difference * difference;
            }
            return sum;
        });
    }

    private static double[][] inFloats(float[][] models) {
        float[] norms = new float[MODELS];
        for (int k = 0; k < MODELS; k++) {
            norms[k] = dot(models[k], models[k]);
        }
        return squares((a, b) -> norms[a] + norms[b] - 2 * dot(models[a], models[b]));
    }

    private interface SquaredDistance {
        double between(int a, int b);
    }

    private static double[][] squares(SquaredDistance distance) {
        double[][] squares = new double[MODELS][MODELS];
        for (int a = 0; a < MODELS; a++) {
            for (int b = 0; b <= a; b++) {
                squares[a][b] = distance.between(a, b);
                squares[b][a] = squares[a][b];
            }
        }
        return squares;
    }

    /** As matrix libraries sum: several partial sums, in float32. */
    private static float dot(float[] x, float[] y) {
        float[] sums = new float[LANES];
        for (int from = 0; from < LENGTH; from += LANES) {
            for (int lane = 0; lane < LANES; lane++) {
                sums[lane] += x[from + lane] * y[from + lane];
            }
        }
        float sum = 0;
        for (float part : sums) {
            sum += part;
        }
        return sum;
    }

    /** Whose distances to its nearest {@code n - f - 2} others add up to least. */
    private static int krum(double[][] squares) {
        int best = 0;
        double least = Double.POSITIVE_INFINITY;
        for (int a = 0; a < squares.length; a++) {
            int self = a;
            double[] others = IntStream.range(0, squares.length)
                    .filter(b -> b != self)
                    .mapToDouble(b -> squares[self][b])
                    .sorted()
                    .limit(squares.length - BAD_CLIENTS - 2L)
                    .toArray();
            double score = Arrays.stream(others).sum();
            if (score < least) {
                least = score;
                best = a;
            }
        }
        return best;
    }
}
