package io.fedlearn.luna16.detect;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.lung.LungFinder;
import io.fedlearn.luna16.lung.LungMask;
import io.fedlearn.luna16.network.FlipAverage;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.patch.PatchExtractor;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.resample.Workers;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Finds nodules in a CT. It is no medical device: what it says is for research, and nobody may be treated, or not treated, by
 * it.
 *
 * <ol>
 *   <li>The lungs are found, and in them {@linkplain CandidateFinder candidates}; or candidates are given.
 *   <li>Patches around them are cut out and scored, batch by batch. With several models the probability is the mean of
 *       theirs; with flips it is for each the mean over eight mirror images ({@link FlipAverage}).
 *   <li>Candidates below the least probability are left out. Of the others, the most probable takes in all that are nearer to
 *       it than the merge radius, or than half the diameter of what is seen there; then the most probable of those that are
 *       left; and so on. A detection has the probability of its most probable candidate, and lies in the mean of those that
 *       are at least half as probable, weighted by probability.
 * </ol>
 *
 * <p><b>Settings</b> (default, range): candidates ({@link BlobFinder#defaults()}); lungs ({@link LungFinder#defaults()});
 * batch ({@value #DEFAULT_BATCH}, [1, 1024]); flips (no); merge radius ({@value #DEFAULT_MERGE_RADIUS} mm, [0, 100]); least
 * probability ({@value #DEFAULT_LEAST_PROBABILITY}, [0, 1]); most findings ({@value #DEFAULT_MOST_FINDINGS}, [1, 1 000 000]);
 * workers (the calling thread).
 *
 * <p><b>The same CT gives the same detections</b>, bit for bit, whatever the workers. The batch may change how a network adds
 * up, so between batches probabilities may differ in their last digits.
 *
 * <p><b>Memory</b>, beside the CT itself: to find the lungs, some 130 MB for a chest; to look for blobs, about 20 MB for each
 * thread; then for each thread one network, however many models there are, and the features of one batch, 4 bytes for each
 * voxel of a patch, twice with flips: 9.4 MB for 32 patches of 32×48×48. The number of slices matters to the CT alone.
 *
 * <p><b>Threads.</b> Thread-safe, but two calls at the same time hold twice as many networks, which are kept for later calls.
 * Without workers no thread is used but the caller's; networks may have threads of their own.
 */
public final class NoduleDetector {
    /** Default number of patches that are scored at a time: {@value}. */
    public static final int DEFAULT_BATCH = 32;

    /** Default millimetres within which candidates are one finding: {@value}. */
    public static final double DEFAULT_MERGE_RADIUS = 5;

    /** Default probability from which on a candidate counts: {@value}. */
    public static final double DEFAULT_LEAST_PROBABILITY = 0.01;

    /** Default number of findings at most, which is as many as the challenge counts: {@value}. */
    public static final int DEFAULT_MOST_FINDINGS = 100;

    private static final int MOST_BATCH = 1024;
    private static final double MOST_MERGE_RADIUS = 100;
    private static final int MOST_FINDINGS = 1_000_000;

    private final Supplier<? extends PatchScorer> scorers;
    private final PatchSettings patches;
    private final CandidateFinder candidates;
    private final LungFinder lungs;
    private final int batch;
    private final double mergeRadius;
    private final double leastProbability;
    private final int mostFindings;
    private final Workers workers;
    private final DetectionListener listener;

    // Guards idle.
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<Desk> idle = new ArrayDeque<>();

    private NoduleDetector(Builder builder) {
        this.scorers = builder.scorers();
        this.patches = builder.patches.withMargin(0);
        this.candidates = builder.candidates;
        this.workers = builder.workers;
        this.lungs = builder.lungs.withWorkers(workers);
        this.batch = builder.batch;
        this.mergeRadius = builder.mergeRadius;
        this.leastProbability = builder.leastProbability;
        this.mostFindings = builder.mostFindings;
        this.listener = builder.listener;
    }

    /**
     * Starts to describe a detector of FedLearn's own network, which needs a {@linkplain Builder#model model}.
     *
     * @param patches as the network was trained on, of its shape
     */
    public static Builder builder(LunaNet network, PatchSettings patches) {
        if (!network.patch().equals(patches.shape())) {
            throw new IllegalArgumentException(
                    "patches must have the network's shape " + network.patch() + ", have " + patches.shape());
        }
        return new Builder(patches, network::create, List.of());
    }

    /**
     * Starts to describe a detector that scores patches in another way.
     *
     * @param scorers makes one for each thread at work
     */
    public static Builder builder(PatchSettings patches, Supplier<? extends PatchScorer> scorers) {
        return new Builder(
                patches,
                () -> {
                    throw new IllegalStateException("there is no network");
                },
                List.of(scorers));
    }

    /** What a detector is made from. Confined to one thread at a time. */
    public static final class Builder {
        private final PatchSettings patches;
        private final Supplier<? extends LocalModel> network;
        /** One, instead of a network with models; or none. */
        private final List<Supplier<? extends PatchScorer>> other;

        private final List<Model> models = new ArrayList<>();
        private boolean flips;
        private CandidateFinder candidates = BlobFinder.defaults();
        private LungFinder lungs = LungFinder.defaults();
        private int batch = DEFAULT_BATCH;
        private double mergeRadius = DEFAULT_MERGE_RADIUS;
        private double leastProbability = DEFAULT_LEAST_PROBABILITY;
        private int mostFindings = DEFAULT_MOST_FINDINGS;
        private Workers workers = Workers.caller();
        private DetectionListener listener = DetectionListener.NONE;

        private Builder(
                PatchSettings patches,
                Supplier<? extends LocalModel> network,
                List<Supplier<? extends PatchScorer>> other) {
            this.patches = Objects.requireNonNull(patches, "patches");
            this.network = network;
            this.other = other;
        }

        /** Adds a model of the network. With several, such as those of the last rounds, probabilities are averaged. */
        public Builder model(Model model) {
            models.add(Objects.requireNonNull(model, "model"));
            return this;
        }

        /** Adds models of the network, such as those of a federation's hospitals. */
        public Builder models(List<Model> several) {
            several.forEach(this::model);
            return this;
        }

        /** Whether to average over eight mirror images (no), which takes eight times as long. */
        public Builder flips(boolean flips) {
            this.flips = flips;
            return this;
        }

        /** Where to look ({@link BlobFinder#defaults()}). */
        public Builder candidates(CandidateFinder finder) {
            this.candidates = Objects.requireNonNull(finder, "finder");
            return this;
        }

        /** How lungs are found ({@link LungFinder#defaults()}); its workers are replaced by the detector's. */
        public Builder lungs(LungFinder finder) {
            this.lungs = Objects.requireNonNull(finder, "finder");
            return this;
        }

        /** How many patches are scored at a time ({@value #DEFAULT_BATCH}), in [1, 1024]. */
        public Builder batch(int patches) {
            this.batch = patches;
            return this;
        }

        /** Millimetres within which candidates are one finding ({@value #DEFAULT_MERGE_RADIUS}), in [0, 100]; 0 merges by size alone. */
        public Builder mergeRadius(double millimetres) {
            this.mergeRadius = millimetres;
            return this;
        }

        /** From which probability on a candidate counts ({@value #DEFAULT_LEAST_PROBABILITY}), in [0, 1]. */
        public Builder leastProbability(double probability) {
            this.leastProbability = probability;
            return this;
        }

        /** How many findings there are at most ({@value #DEFAULT_MOST_FINDINGS}), in [1, 1 000 000]. */
        public Builder mostFindings(int findings) {
            this.mostFindings = findings;
            return this;
        }

        /** Who does the work ({@link Workers#caller()}). */
        public Builder workers(Workers workers) {
            this.workers = Objects.requireNonNull(workers, "workers");
            return this;
        }

        /** Who hears how far a detection is (nobody). */
        public Builder listener(DetectionListener listener) {
            this.listener = Objects.requireNonNull(listener, "listener");
            return this;
        }

        private Supplier<? extends PatchScorer> scorers() {
            if (!other.isEmpty()) {
                return other.get(0);
            }
            List<Model> all = List.copyOf(models);
            boolean isFlipping = flips;
            return () -> {
                LocalModel model = network.get();
                return new NetworkScorer(isFlipping ? FlipAverage.of(model) : model, all);
            };
        }

        /**
         * The detector.
         *
         * @throws IllegalArgumentException if a setting is out of range, or a model is of another network
         */
        public NoduleDetector build() {
            if (other.isEmpty()) {
                checkModels();
            } else if (!models.isEmpty() || flips) {
                throw new IllegalArgumentException("models and flips are of a network, and there is none");
            }
            if (batch < 1 || batch > MOST_BATCH) {
                throw new IllegalArgumentException("batch must be in [1, " + MOST_BATCH + "], was " + batch);
            }
            if (!(mergeRadius >= 0 && mergeRadius <= MOST_MERGE_RADIUS)) {
                throw new IllegalArgumentException(
                        "mergeRadius must be in [0, " + MOST_MERGE_RADIUS + "] mm, was " + mergeRadius);
            }
            if (!(leastProbability >= 0 && leastProbability <= 1)) {
                throw new IllegalArgumentException("leastProbability must be in [0, 1], was " + leastProbability);
            }
            if (mostFindings < 1 || mostFindings > MOST_FINDINGS) {
                throw new IllegalArgumentException(
                        "mostFindings must be in [1, " + MOST_FINDINGS + "], was " + mostFindings);
            }
            return new NoduleDetector(this);
        }

        private void checkModels() {
            if (models.isEmpty()) {
                throw new IllegalArgumentException("a detector needs a model");
            }
            LocalModel one = network.get();
            for (int i = 0; i < models.size(); i++) {
                if (!models.get(i).spec().equals(one.spec())) {
                    throw new IllegalArgumentException("model " + (i + 1) + " must have the network's tensors "
                            + one.spec() + ", has " + models.get(i).spec());
                }
            }
        }
    }

    /** What one thread at work has. */
    private final class Desk {
        private final PatchScorer scorer = scorers.get();
        private final Batch features = Batch.of(batch, patches.shape().voxelCount(), 1);
        private final float[] probabilities = new float[batch];
    }

    /**
     * Finds nodules, wherever they are in the lungs.
     *
     * @return by falling probability
     * @throws io.fedlearn.luna16.lung.LungException if no lungs are seen
     * @throws InterruptedException if the calling thread was interrupted
     */
    public List<Detection> detect(Volume scan) throws InterruptedException {
        return detect(scan, lungs.find(scan));
    }

    /**
     * Finds nodules in lungs that are known, such as from a file.
     *
     * @return by falling probability
     * @throws InterruptedException if the calling thread was interrupted
     */
    public List<Detection> detect(Volume scan, LungMask mask) throws InterruptedException {
        listener.lungsFound(mask);
        return detect(scan, candidates.find(scan, mask, workers));
    }

    /**
     * Says of given candidates how probable they are, and merges them.
     *
     * @param places in millimetres of the patient; those outside the scan are left out, and the listener hears of them
     * @return by falling probability
     * @throws InterruptedException if the calling thread was interrupted
     */
    public List<Detection> detect(Volume scan, List<Point> places) throws InterruptedException {
        List<Point> inside = new ArrayList<>();
        List<Point> outside = new ArrayList<>();
        for (Point place : places) {
            (scan.geometry().contains(place) ? inside : outside).add(place);
        }
        listener.candidatesFound(inside.size(), List.copyOf(outside));
        float[] probabilities = score(scan, inside);
        return new Merging(mergeRadius, leastProbability, mostFindings)
                .of(inside, probabilities, new NoduleSize(scan)::at);
    }

    private float[] score(Volume scan, List<Point> places) throws InterruptedException {
        float[] probabilities = new float[places.size()];
        int parts = (places.size() + batch - 1) / batch;
        AtomicInteger done = new AtomicInteger();
        Thread caller = Thread.currentThread();
        AtomicBoolean isInterrupted = new AtomicBoolean();
        workers.run(parts, part -> {
            if (Thread.currentThread() == caller && caller.isInterrupted()) {
                isInterrupted.set(true);
            }
            if (isInterrupted.get()) {
                return;
            }
            int from = part * batch;
            int count = Math.min(batch, places.size() - from);
            Desk desk = take();
            score(desk, PatchExtractor.of(scan, patches), places.subList(from, from + count));
            System.arraycopy(desk.probabilities, 0, probabilities, from, count);
            give(desk);
            listener.candidatesScored(done.addAndGet(count), places.size());
        });
        if (Thread.interrupted()) {
            throw new InterruptedException("the detection was interrupted");
        }
        return probabilities;
    }

    private void score(Desk desk, PatchExtractor extractor, List<Point> places) {
        int voxels = patches.shape().voxelCount();
        for (int i = 0; i < places.size(); i++) {
            extractor.extract(places.get(i)).copyTo(patches.window(), desk.features.features(), i * voxels);
        }
        desk.features.resize(places.size());
        desk.scorer.score(desk.features, desk.probabilities);
        for (int i = 0; i < places.size(); i++) {
            if (!(desk.probabilities[i] >= 0 && desk.probabilities[i] <= 1)) {
                throw new IllegalStateException("a probability must be in [0, 1], was " + desk.probabilities[i]
                        + " for the candidate at " + places.get(i));
            }
        }
    }

    private Desk take() {
        lock.lock();
        try {
            if (!idle.isEmpty()) {
                return idle.pop();
            }
        } finally {
            lock.unlock();
        }
        return new Desk();
    }

    private void give(Desk desk) {
        lock.lock();
        try {
            idle.push(desk);
        } finally {
            lock.unlock();
        }
    }
}
