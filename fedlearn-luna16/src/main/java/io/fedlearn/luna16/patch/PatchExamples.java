package io.fedlearn.luna16.patch;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.IndexedReader;
import java.util.Arrays;
import java.util.BitSet;
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
 * <p><b>Redrawing</b>. {@link #withNegativeShare} shows in each pass over the examples only a share of the patches that are no
 * nodules, drawn anew by the seed of the shuffled order: a site may keep many more than it can train on in one pass, and still
 * come to see all of them. {@link #withHardNegatives} fills a part of those places from a list of patches that a model took for
 * nodules. How many examples there are is the same in every pass. The sequential and the Poisson-sampled order are not drawn
 * anew: an example of theirs is always the same patch.
 *
 * <p><b>Private training must not be balanced this way.</b> Its guarantee is for one example, and a nodule that is repeated
 * is as many of them: a patient with one counts as often, and the guarantee for the patient is weaker by as much.
 */
public final class PatchExamples implements ExampleSource {
    /** The least number of other patches to each nodule's: {@value}. */
    public static final double LEAST_NEGATIVES_PER_POSITIVE = 0.01;

    private static final long FIXED_DRAW = 0;

    private final PatchSet patches;
    private final Augmentation augmentation;
    /** Infinite where nothing is repeated. */
    private final double negativesPerPositive;

    private final double negativeShare;
    /** The patches that fill a part of the others' places; empty for none. */
    private final int[] hard;

    private final double hardShare;
    /** The patches that are no nodules. */
    private final int[] negatives;
    /** How many of the examples are no nodules. */
    private final int shownNegatives;
    /** The patch of each example, as long as nothing is drawn anew. */
    private final int[] examples;
    /** The examples' own numbers, for readers to shuffle. */
    private final int[] places;

    private PatchExamples(
            PatchSet patches,
            Augmentation augmentation,
            double negativesPerPositive,
            double negativeShare,
            int[] hard,
            double hardShare) {
        this.patches = patches;
        this.augmentation = augmentation;
        this.negativesPerPositive = negativesPerPositive;
        this.negativeShare = negativeShare;
        this.hard = hard;
        this.hardShare = hardShare;
        this.negatives = IntStream.range(0, patches.size())
                .filter(patch -> !patches.isNodule(patch))
                .toArray();
        this.shownNegatives = (int) Math.ceil(negatives.length * negativeShare);
        this.examples = balanced(drawn(FIXED_DRAW));
        this.places = IntStream.range(0, examples.length).toArray();
    }

    /** Each patch once, never varied. */
    public static PatchExamples of(PatchSet patches) {
        return new PatchExamples(patches, Augmentation.none(), Double.POSITIVE_INFINITY, 1, new int[0], 0);
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
        return new PatchExamples(patches, augmentation, negativesPerPositive, negativeShare, hard, hardShare);
    }

    /**
     * These examples, those of nodules repeated as often as it takes to have at most so many others to each.
     *
     * @param ratio at least {@value #LEAST_NEGATIVES_PER_POSITIVE}; 1 makes both classes equally many
     */
    public PatchExamples withNegativesPerPositive(double ratio) {
        if (!(ratio >= LEAST_NEGATIVES_PER_POSITIVE && Double.isFinite(ratio))) {
            throw new IllegalArgumentException(
                    "negativesPerPositive must be >= " + LEAST_NEGATIVES_PER_POSITIVE + " and finite, was " + ratio);
        }
        return new PatchExamples(patches, augmentation, ratio, negativeShare, hard, hardShare);
    }

    /**
     * These examples, of which each pass shows only a share of the patches that are no nodules, drawn anew for each, the number
     * rounded up. Nodules are repeated as often as it takes beside those that are shown.
     *
     * @param share in (0, 1]; 1 shows all
     */
    public PatchExamples withNegativeShare(double share) {
        if (!(share > 0 && share <= 1)) {
            throw new IllegalArgumentException("negativeShare must be in (0, 1], was " + share);
        }
        return new PatchExamples(patches, augmentation, negativesPerPositive, share, hard, hardShare);
    }

    /**
     * These examples, of which some are always patches that are hard to tell from nodules: of the places of patches that are no
     * nodules, a share is filled from the list, drawn anew for each pass, each patch of it as often as any other within one; the
     * rest is drawn from those that are not on it.
     *
     * @param hardPatches numbers of patches that are no nodules, each once; an empty list changes nothing
     * @param share of the places of patches that are no nodules, in [0, 1]
     */
    public PatchExamples withHardNegatives(int[] hardPatches, double share) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("hardShare must be in [0, 1], was " + share);
        }
        BitSet seen = new BitSet();
        for (int patch : hardPatches) {
            if (patch < 0 || patch >= patches.size() || patches.isNodule(patch) || seen.get(patch)) {
                throw new IllegalArgumentException(
                        "hardPatches must be distinct patches that are no nodules, had " + patch);
            }
            seen.set(patch);
        }
        return new PatchExamples(
                patches, augmentation, negativesPerPositive, negativeShare, hardPatches.clone(), share);
    }

    /** The patches of a pass that are no nodules, rising, by the seed of its order. */
    private int[] drawn(long seed) {
        boolean isHard = hard.length > 0 && hardShare > 0;
        if (!isHard && shownNegatives == negatives.length) {
            return negatives;
        }
        SeededRandom random = SeededRandom.of(SeededRandom.derive(seed, "negatives"));
        if (!isHard) {
            return rising(firstOf(negatives, shownNegatives, random));
        }
        int[] easy = withoutHard();
        int hardPlaces = (int) Math.ceil(shownNegatives * hardShare);
        // Where few are easy, or none, hard ones take their places.
        int easyPlaces = Math.min(easy.length, shownNegatives - hardPlaces);
        int[] drawn = Arrays.copyOf(firstOf(hard, shownNegatives - easyPlaces, random), shownNegatives);
        System.arraycopy(firstOf(easy, easyPlaces, random), 0, drawn, shownNegatives - easyPlaces, easyPlaces);
        return rising(drawn);
    }

    private int[] withoutHard() {
        BitSet listed = new BitSet();
        for (int patch : hard) {
            listed.set(patch);
        }
        return Arrays.stream(negatives).filter(patch -> !listed.get(patch)).toArray();
    }

    /** So many of the patches at random, each as often as any other within one. */
    private static int[] firstOf(int[] from, int count, SeededRandom random) {
        int[] shuffled = from.clone();
        int[] first = new int[count];
        for (int i = 0; i < count; i++) {
            if (i % shuffled.length == 0) {
                random.shuffle(shuffled);
            }
            first[i] = shuffled[i % shuffled.length];
        }
        return first;
    }

    private static int[] rising(int[] values) {
        Arrays.sort(values);
        return values;
    }

    /** These patches and the nodules, in the patches' order, and behind them the nodules again as often as it takes. */
    private int[] balanced(int[] shown) {
        int[] nodules =
                IntStream.range(0, patches.size()).filter(patches::isNodule).toArray();
        int wanted = nodules.length == 0 ? 0 : Math.toIntExact((long) Math.ceil(shown.length / negativesPerPositive));
        int repeated = Math.max(0, wanted - nodules.length);
        int once = Math.addExact(nodules.length, shown.length);
        int[] balanced = Arrays.copyOf(nodules, Math.addExact(once, repeated));
        System.arraycopy(shown, 0, balanced, nodules.length, shown.length);
        Arrays.sort(balanced, 0, once);
        for (int i = 0; i < repeated; i++) {
            balanced[once + i] = nodules[i % nodules.length];
        }
        return balanced;
    }

    /** The patches behind the examples. */
    public PatchSet patches() {
        return patches;
    }

    /** How examples are varied in training. */
    public Augmentation augmentation() {
        return augmentation;
    }

    /** The share of the patches that are no nodules that a pass shows. */
    public double negativeShare() {
        return negativeShare;
    }

    /** The patch of an example of the sequential order, by its place. */
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
        /** The patch of each example in this order. */
        private final int[] shown;

        private final byte[] bytes;
        private final short[] box;
        private final Augmenter augmenter;
        private long copied;

        Copier(ExampleOrder order) {
            int voxels = patches.settings().boxShape().voxelCount();
            this.order = order;
            this.shown = order instanceof ExampleOrder.Shuffled shuffled
                            && (shownNegatives < negatives.length || hard.length > 0)
                    ? balanced(drawn(shuffled.seed()))
                    : examples;
            this.bytes = new byte[voxels * Short.BYTES];
            this.box = new short[voxels];
            this.augmenter = new Augmenter(augmentation, patches.settings());
        }

        @Override
        public void copy(int example, Batch batch, int place) {
            int patch = shown[example];
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
