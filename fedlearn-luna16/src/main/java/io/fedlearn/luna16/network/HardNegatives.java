package io.fedlearn.luna16.network;

import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.luna16.patch.PatchExamples;
import io.fedlearn.luna16.patch.PatchSet;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * One round of hard-negative mining: from some round on, sites train above all on those of their patches that are no nodules
 * and that a model takes for some. Immutable.
 *
 * <p>When a site first trains in that round or later, it asks the model that it starts from about all its patches, and keeps
 * the numbers of those that are no nodules and have the highest scores. From then on a share of the places of other patches is
 * filled from these, drawn anew in each pass, as {@link PatchExamples#withHardNegatives} says; how many examples there are, and
 * so the site's weight, stays as it was. The scores and the list stay at the site.
 *
 * <p>The list lies in the {@linkplain io.fedlearn.core.client.ClientState client's state} under {@value #STATE}: a round that is
 * done again starts from what was there before it, a resumed run goes on with the same lists. A site whose patches are
 * others than those that it mined mines again.
 *
 * <p><b>Settings</b> (default, range): round, the first that is trained so ({@code >= 1}); kept, what share of the site's patches
 * that are no nodules is hard ({@value #DEFAULT_KEPT}, (0, 1]); shown, what share of their places in a pass is filled from
 * these ({@value #DEFAULT_SHOWN}, (0, 1]).
 *
 * <p><b>Cost.</b> Once, a pass of the model over the site's training patches without gradients.
 *
 * @param round the first that is trained so
 * @param kept what share of the patches that are no nodules is hard
 * @param shown what share of their places is filled from the hard ones
 */
public record HardNegatives(int round, double kept, double shown) {
    /** Default of {@link #kept()}: {@value}. */
    public static final double DEFAULT_KEPT = 0.2;

    /** Default of {@link #shown()}: {@value}. */
    public static final double DEFAULT_SHOWN = 0.5;

    /** What a site keeps lies in its state under this name: {@value}. */
    public static final String STATE = "hard-negatives";

    private static final String ROUND = "hardNegatives.round";
    private static final String KEPT = "hardNegatives.kept";
    private static final String SHOWN = "hardNegatives.shown";
    private static final String NUMBERS = "patches";
    private static final String DATA = "data";
    private static final int BATCH = 32;

    /** Validates the settings. */
    public HardNegatives {
        if (round < 1) {
            throw new IllegalArgumentException("round must be >= 1, was " + round);
        }
        requireShare("kept", kept);
        requireShare("shown", shown);
    }

    private static void requireShare(String name, double share) {
        if (!(share > 0 && share <= 1)) {
            throw new IllegalArgumentException(name + " must be in (0, 1], was " + share);
        }
    }

    /** Mining for this round, with the default shares. */
    public static HardNegatives from(int round) {
        return new HardNegatives(round, DEFAULT_KEPT, DEFAULT_SHOWN);
    }

    /**
     * The strategy, telling all clients to train so; the run's record then has these settings.
     *
     * @throws IllegalStateException if the strategy is private: a list of examples that was never debited would follow from data
     */
    public Strategy appliedTo(Strategy strategy) {
        return strategy.toBuilder()
                .tellClients(ROUND, round)
                .tellClients(KEPT, kept)
                .tellClients(SHOWN, shown)
                .requires(Capability.TRAINING_SETTINGS)
                .requires(Capability.CLIENT_STATE)
                .build();
    }

    /**
     * What a task says of it; empty if nothing.
     *
     * @throws IllegalArgumentException if a setting is out of range or of the wrong type
     * @throws ArithmeticException if the round is beyond all that can be
     */
    static Optional<HardNegatives> of(Config config) {
        return config.getLong(ROUND)
                .map(first -> new HardNegatives(
                        Math.toIntExact(first),
                        config.getDouble(KEPT).orElse(DEFAULT_KEPT),
                        config.getDouble(SHOWN).orElse(DEFAULT_SHOWN)));
    }

    /** What to train on in this task: as it is, or with hard negatives from the client's state or from this model. */
    static PatchExamples choose(PatchExamples training, Task task, LocalModel model, TaskContext context)
            throws InterruptedException {
        Optional<HardNegatives> told = of(task.config());
        if (told.isEmpty() || task.round() < told.get().round()) {
            return training;
        }
        int[] digest = digest(training.patches());
        Optional<Model> before =
                context.state().load(STATE).filter(saved -> Arrays.equals(integers(saved.tensor(DATA)), digest));
        int[] hard = before.isPresent()
                ? integers(before.get().tensor(NUMBERS))
                : told.get().mine(training.patches(), model, context);
        context.state()
                .save(
                        STATE,
                        Model.builder()
                                .counter(NUMBERS, Tensor.copyOf(hard, hard.length))
                                .counter(DATA, Tensor.copyOf(digest, digest.length))
                                .build());
        return training.withHardNegatives(hard, told.get().shown());
    }

    private static int[] integers(Tensor tensor) {
        return Arrays.stream(tensor.toLongArray()).mapToInt(Math::toIntExact).toArray();
    }

    /** By which the patches are known again. */
    private static int[] digest(PatchSet patches) {
        byte[] bytes = HexFormat.of().parseHex(patches.digest());
        return IntStream.range(0, bytes.length).map(i -> bytes[i]).toArray();
    }

    /** The patches that are no nodules and have the highest scores, rising; of equal scores the first. */
    int[] mine(PatchSet patches, LocalModel model, TaskContext context) throws InterruptedException {
        int count = patches.size() - patches.noduleCount();
        if (count == 0) {
            return new int[0];
        }
        float[] scores = scores(patches, model, context);
        return IntStream.range(0, scores.length)
                .filter(patch -> !patches.isNodule(patch))
                .boxed()
                .sorted(Comparator.comparing((Integer patch) -> -scores[patch]).thenComparing(patch -> patch))
                .limit((long) Math.ceil(count * kept))
                .mapToInt(Integer::intValue)
                .sorted()
                .toArray();
    }

    private static float[] scores(PatchSet patches, LocalModel model, TaskContext context) throws InterruptedException {
        PatchExamples examples = PatchExamples.of(patches);
        float[] scores = new float[patches.size()];
        Batch batch = Batch.of(Math.min(BATCH, scores.length), examples);
        float[] outputs = new float[batch.capacity()];
        int done = 0;
        try (BatchReader reader = examples.open(ExampleOrder.sequential())) {
            while (reader.read(batch)) {
                if (context.isCancelled() || Thread.interrupted()) {
                    throw new InterruptedException("mining of hard negatives was cancelled");
                }
                model.evaluate(batch, outputs);
                System.arraycopy(outputs, 0, scores, done, batch.size());
                done += batch.size();
            }
        }
        return scores;
    }

    /** As in run records: {@code from round 5, kept 0.2, shown 0.5}. */
    @Override
    public String toString() {
        return "from round " + round + ", kept " + kept + ", shown " + shown;
    }
}
