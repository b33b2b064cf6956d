package io.fedlearn.luna16.network;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.luna16.dataset.DatasetCheck;
import io.fedlearn.luna16.dataset.Luna16Dataset;
import io.fedlearn.luna16.dataset.Scan;
import io.fedlearn.luna16.dataset.ScanSplit;
import io.fedlearn.luna16.patch.Augmentation;
import io.fedlearn.luna16.patch.CandidateSelection;
import io.fedlearn.luna16.patch.PatchCache;
import io.fedlearn.luna16.patch.PatchCacheException;
import io.fedlearn.luna16.patch.PatchExamples;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PreparationListener;
import io.fedlearn.luna16.patch.PreparedPatches;
import io.fedlearn.luna16.patch.ScanFailure;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;

/**
 * A hospital that trains and tests a {@link LunaNet} on patches of its own scans, which never leave it.
 *
 * <p>All sites of a federation must cut their patches by the same {@link PatchSettings}: the network sees voxels, not
 * millimetres. A site whose network is another declines, and names the first tensor that differs; a site without nodules
 * trains on what it has, and one without scans declines. Where a patch cannot be read any more, the task fails with a
 * {@link PatchCacheException}; which folder that was in, the site's log alone says. A task may ask for {@link HardNegatives}.
 * Thread-safe.
 */
public final class Luna16Client implements Client {
    private static final System.Logger LOG = System.getLogger(Luna16Client.class.getName());

    private final LocalTrainingClient client;
    private final PatchExamples training;
    private final PatchExamples test;
    private final Optional<DatasetCheck> check;
    private final List<ScanFailure> failures;

    private Luna16Client(
            LocalModelPool models,
            PatchExamples training,
            PatchExamples test,
            Optional<DatasetCheck> check,
            List<ScanFailure> failures) {
        this.client = LocalTrainingClient.of(models, training, test)
                .withChoice((task, model, context) -> HardNegatives.choose(training, task, model, context));
        this.training = training;
        this.test = test;
        this.check = check;
        this.failures = List.copyOf(failures);
    }

    /**
     * A client with a network from a pool that it may share with others.
     *
     * @param models makes {@link LunaNet#create() networks} for patches of these shapes
     * @param training what it trains on, balanced and varied as wanted
     * @param test what it tests on, as it is
     */
    public static Luna16Client of(LocalModelPool models, PatchExamples training, PatchExamples test) {
        return new Luna16Client(models, training, test, Optional.empty(), List.of());
    }

    /**
     * Starts to describe the client of a hospital with a folder of scans.
     *
     * @param dataset laid out as LUNA16's data, all of it this hospital's
     * @param cache where patches are kept between runs; created when it is needed
     */
    public static Builder builder(Path dataset, Path cache) {
        return new Builder(dataset, cache);
    }

    /** What a client is made of. Confined to one thread at a time. */
    public static final class Builder {
        /** Default of {@link #testShare}: {@value}. */
        public static final double DEFAULT_TEST_SHARE = 0.25;

        /** Default of {@link #negativesPerPositive}: {@value}. */
        public static final double DEFAULT_NEGATIVES_PER_POSITIVE = 1;

        /** Default of {@link #negativeShare}: {@value}. */
        public static final double DEFAULT_NEGATIVE_SHARE = 1;

        private final Path dataset;
        private final Path cache;
        private LunaNet network = LunaNet.defaults();
        private PatchSettings patches = PatchSettings.defaults();
        private double testShare = DEFAULT_TEST_SHARE;
        private long seed;
        private Optional<CandidateSelection> candidates = Optional.empty();
        private double negativesPerPositive = DEFAULT_NEGATIVES_PER_POSITIVE;
        private double negativeShare = DEFAULT_NEGATIVE_SHARE;
        private Optional<Augmentation> augmentation = Optional.empty();
        private int threads = 1;
        private PreparationListener listener = (done, total) -> {};

        private Builder(Path dataset, Path cache) {
            this.dataset = Objects.requireNonNull(dataset, "dataset");
            this.cache = Objects.requireNonNull(cache, "cache");
        }

        /** What is trained ({@link LunaNet#defaults()}); for patches of the shape that is cut. */
        public Builder network(LunaNet network) {
            this.network = Objects.requireNonNull(network, "network");
            return this;
        }

        /** How patches are cut ({@link PatchSettings#defaults()}); the same at every site. */
        public Builder patches(PatchSettings settings) {
            this.patches = Objects.requireNonNull(settings, "settings");
            return this;
        }

        /** What part of the scans is tested on and never trained on ({@value #DEFAULT_TEST_SHARE}), in (0, 1). */
        public Builder testShare(double share) {
            this.testShare = share;
            return this;
        }

        /** Where the choice of test scans, and of candidates by default, starts (0). */
        public Builder seed(long seed) {
            this.seed = seed;
            return this;
        }

        /** Which candidates of a scan are used ({@link CandidateSelection#defaults} with the {@link #seed}). */
        public Builder candidates(CandidateSelection selection) {
            this.candidates = Optional.of(selection);
            return this;
        }

        /**
         * How many other patches there are to each of a nodule in training ({@value #DEFAULT_NEGATIVES_PER_POSITIVE}), as
         * {@link PatchExamples#withNegativesPerPositive} says.
         */
        public Builder negativesPerPositive(double ratio) {
            this.negativesPerPositive = ratio;
            return this;
        }

        /**
         * What share of the other patches a pass over the examples shows, drawn anew for each ({@value
         * #DEFAULT_NEGATIVE_SHARE}: all), as {@link PatchExamples#withNegativeShare} says.
         */
        public Builder negativeShare(double share) {
            this.negativeShare = share;
            return this;
        }

        /** How patches vary in training (the {@linkplain Augmentation#defaults() defaults}, shifted by the whole margin). */
        public Builder augmentation(Augmentation augmentation) {
            this.augmentation = Optional.of(augmentation);
            return this;
        }

        /** How many threads cut patches (1: the caller's own). */
        public Builder threads(int threads) {
            this.threads = threads;
            return this;
        }

        /** Hears how far the cutting of patches has come. */
        public Builder listener(PreparationListener listener) {
            this.listener = Objects.requireNonNull(listener, "listener");
            return this;
        }

        /**
         * Opens and checks the data set, cuts the patches that the cache does not have, and makes the client. Scans that
         * cannot be used are left out: {@link Luna16Client#check} and {@link Luna16Client#failures} name them.
         *
         * @throws io.fedlearn.luna16.dataset.DatasetException if the folder is not laid out as LUNA16's data, a list is not
         *     in order, or no scan can be used
         * @throws PatchCacheException if the cache cannot be used or the disk is full; what was cut before is kept
         * @throws IllegalArgumentException if a setting is out of range, or the network takes other patches than are cut
         * @throws InterruptedException if the thread was interrupted; what was cut before is kept
         */
        public Luna16Client build() throws InterruptedException {
            if (!network.patch().equals(patches.shape())) {
                throw new IllegalArgumentException("network must take patches of " + patches.shape()
                        + ", as they are cut, was " + network + ", which takes " + network.patch());
            }
            // What would be noticed later, when all is cut, is noticed now.
            if (!(negativesPerPositive >= PatchExamples.LEAST_NEGATIVES_PER_POSITIVE
                    && Double.isFinite(negativesPerPositive))) {
                throw new IllegalArgumentException("negativesPerPositive must be >= "
                        + PatchExamples.LEAST_NEGATIVES_PER_POSITIVE + " and finite, was " + negativesPerPositive);
            }
            if (!(negativeShare > 0 && negativeShare <= 1)) {
                throw new IllegalArgumentException("negativeShare must be in (0, 1], was " + negativeShare);
            }
            Augmentation varied =
                    augmentation.orElseGet(() -> Augmentation.defaults().withShift(patches.margin()));
            if (varied.shift() > patches.margin()) {
                throw new IllegalArgumentException("augmentation must shift by at most the patches' margin of "
                        + patches.margin() + " voxels, shifted by " + varied.shift());
            }
            PatchCache folder = PatchCache.at(cache).withThreads(threads);
            DatasetCheck check = DatasetCheck.of(Luna16Dataset.open(dataset));
            ScanSplit split = ScanSplit.of(check.scans(), testShare, seed);
            PreparedPatches prepared = folder.prepare(
                    check.scans(), patches, candidates.orElseGet(() -> CandidateSelection.defaults(seed)), listener);
            return new Luna16Client(
                    LocalModelPool.of(network::create),
                    examples(prepared, split.training())
                            .withNegativesPerPositive(negativesPerPositive)
                            .withNegativeShare(negativeShare)
                            .withAugmentation(varied),
                    examples(prepared, split.test()),
                    Optional.of(check),
                    prepared.failures());
        }

        private static PatchExamples examples(PreparedPatches prepared, List<Scan> scans) {
            return PatchExamples.of(prepared.patches()
                    .ofScans(scans.stream().map(Scan::seriesUid).toList()));
        }
    }

    /** What it trains on. */
    public PatchExamples training() {
        return training;
    }

    /** What it tests on. */
    public PatchExamples test() {
        return test;
    }

    /** What was found in the folder, to be printed before training; empty if the client was made of patches. */
    public Optional<DatasetCheck> check() {
        return check;
    }

    /** The scans that passed the check, and could not be cut all the same. */
    public List<ScanFailure> failures() {
        return failures;
    }

    @Override
    public ClientUpdate fit(Task task, TaskContext context) throws Exception {
        return answer(task, () -> client.fit(task, context));
    }

    @Override
    public ClientUpdate evaluate(Task task, TaskContext context) throws Exception {
        return answer(task, () -> client.evaluate(task, context));
    }

    @Override
    public ClientUpdate perform(Task task, TaskContext context) throws Exception {
        return answer(task, () -> client.perform(task, context));
    }

    private static ClientUpdate answer(Task task, Callable<ClientUpdate> work) throws Exception {
        try {
            return work.call();
        } catch (PatchCacheException e) {
            LOG.log(
                    System.Logger.Level.ERROR,
                    () -> "task " + task.id() + " cannot be done: " + e.path() + " is to blame");
            throw e;
        }
    }
}
