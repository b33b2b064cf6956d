package io.fedlearn.luna16.patch;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.IndexedReader;
import io.fedlearn.luna16.image.HuWindow;
import java.util.stream.IntStream;

/**
 * Patches as examples: features of shape 1 x depth x height x width as {@link HuWindow#feature} gives them, and one target, 1 for
 * a nodule and 0 otherwise. Immutable and thread-safe. A reader holds two copies of one patch besides its batch, and the
 * cache's files are read anew in each epoch, out of the system's page cache if it has room for them.
 *
 * <p><b>Augmentation</b> varies examples in shuffled and in Poisson-sampled order, and never in sequential order, which is
 * for evaluation. An example of a shuffled order varies by the order's seed and the example's place in this source, whatever
 * the size of batches; an example of a Poisson-sampled order by the seed and how many came before it.
 *
 * <p><b>Balance</b>. Of a scan's candidates few are nodules. {@link #withNegativesPerPositive} repeats the patches of nodules
 * until there are so many other patches to each, behind the others in the order of this source. Each repetition is an
 * example: it counts in {@link #exampleCount()}, and so in the weight that this site has where updates are weighted by their
 * example counts; and it varies in its own way. If there are no nodules, or so many that the ratio is reached already,
 * nothing is repeated and none is left out: a site of one class, or of none, works like any other. Balance what is trained
 * on; what is evaluated should be as it is.
 *
 * <p><b>Private training must not be balanced this way.</b> Its guarantee is for one example, and a nodule that is repeated
 * is as many of them: a patient with one counts as often, and the guarantee for the patient is weaker by as much.
 */
public final class PatchExamples implements ExampleSource {
    /** The least number of other patches to each nodule's: {@value}. */
    public static final double LEAST_NEGATIVES_PER_POSITIVE = 0.01;

    private final PatchSet patches;
    private final Augmentation augmentation;
    /** The patch of each example. */
    private final int[] examples;
    /** The examples' own numbers, for readers to shuffle. */
    private final int[] places;

    private PatchExamples(PatchSet patches, Augmentation augmentation, int[] examples) {
        this.patches = patches;
        this.augmentation = augmentation;
        this.examples = examples;
        this.places = IntStream.range(0, examples.length).toArray();
    }

    /** Each patch once, never varied. */
    public static PatchExamples of(PatchSet patches) {
        return new PatchExamples(
                patches, Augmentation.none(), IntStream.range(0, patches.size()).toArray());
    }

    /**
     * These examples, varied in training.
     *
     * @throws IllegalArgumentException if the patches' margin is less than the shift
     */
    public PatchExamples withAugmentation(Augmentation augmentation) {
        int margin = patches.settings().margin();
        if (augmentation.shift() > margin) {
            throw new IllegalArgumentException(
                    "shift must be <= the patches' margin of " + margin + " voxels, was " + augmentation.shift());
        }
        return new PatchExamples(patches, augmentation, examples);
    }

    /**
     * The patches, those of nodules repeated as often as it takes to have at most so many others to each.
     *
     * @param ratio at least {@value #LEAST_NEGATIVES_PER_POSITIVE}; 1 makes both classes equally many
     */
    public PatchExamples withNegativesPerPositive(double ratio) {
        if (!(ratio >= LEAST_NEGATIVES_PER_POSITIVE && Double.isFinite(ratio))) {
            throw new IllegalArgumentException(
                    "negativesPerPositive must be >= " + LEAST_NEGATIVES_PER_POSITIVE + " and finite, was " + ratio);
        }
        int[] nodules =
                IntStream.range(0, patches.size()).filter(patches::isNodule).toArray();
        int others = patches.size() - nodules.length;
        int wanted = nodules.length == 0 ? 0 : Math.toIntExact((long) Math.ceil(others / ratio));
        int repeated = Math.max(0, wanted - nodules.length);
        int[] balanced = new int[Math.addExact(patches.size(), repeated)];
        for (int i = 0; i < balanced.length; i++) {
            balanced[i] = i < patches.size() ? i : nodules[(i - patches.size()) % nodules.length];
        }
        return new PatchExamples(patches, augmentation, balanced);
    }

    /** The patches behind the examples. */
    public PatchSet patches() {
        return patches;
    }

    /** How examples are varied in training. */
    public Augmentation augmentation() {
        return augmentation;
    }

    /** The patch of an example, by its place in the sequential order. */
    public int patchOf(int example) {
        return examples[example];
    }

    @Override
    public long exampleCount() {
        return examples.length;
    }

    @Override
    public Shape featureShape() {
        PatchShape shape = patches.settings().shape();
        return Shape.of(1, shape.depth(), shape.height(), shape.width());
    }

    @Override
    public int targetLength() {
        return 1;
    }

    /**
     * {@inheritDoc}
     *
     * @throws PatchCacheException (from reading) if a file of the cache is gone, or damaged since it was prepared
     */
    @Override
    public BatchReader open(ExampleOrder order) {
        return IndexedReader.open(order, places, new Copier(order));
    }

    /** Reads and varies examples for one reader. */
    private final class Copier implements IndexedReader.Copier {
        private final ExampleOrder order;
        private final byte[] bytes;
        private final short[] box;
        private final Augmenter augmenter;
        private long copied;

        Copier(ExampleOrder order) {
            int voxels = patches.settings().boxShape().voxelCount();
            this.order = order;
            this.bytes = new byte[voxels * Short.BYTES];
            this.box = new short[voxels];
            this.augmenter = new Augmenter(augmentation, patches.settings());
        }

        @Override
        public void copy(int example, Batch batch, int place) {
            int patch = examples[example];
            patches.readBox(patch, bytes, box);
            int at = place * batch.featureLength();
            if (order instanceof ExampleOrder.Shuffled shuffled) {
                vary(patch, shuffled.seed(), example, batch.features(), at);
            } else if (order instanceof ExampleOrder.PoissonSampled sampled) {
                // An example may come in several batches of this order, and should not look the same in each. A Poisson
                // reader reads what it skips, so the count is the same whether it was skipped or not.
                vary(patch, sampled.seed(), copied, batch.features(), at);
            } else {
                augmenter.plain(box, batch.features(), at);
            }
            copied++;
            batch.targets()[place * batch.targetLength()] = patches.isNodule(patch) ? 1 : 0;
        }

        private void vary(int patch, long seed, long purpose, float[] target, int at) {
            long own = SeededRandom.derive(SeededRandom.derive(seed, "augmentation"), purpose);
            augmenter.varied(box, patches.spacingRatio(patch), own, target, at);
        }
    }
}
