package io.fedlearn.luna16.network;

import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.luna16.dataset.Candidate;
import io.fedlearn.luna16.dataset.Mark;
import io.fedlearn.luna16.dataset.Scan;
import io.fedlearn.luna16.dataset.Submission;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.patch.PatchExtractor;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PreparationListener;
import io.fedlearn.luna16.patch.ScanFailure;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What a network makes of all candidates of scans, read from the scans themselves: nothing is cached, and no candidate is left
 * out, as a figure of merit such as the challenge's wants it. Immutable.
 *
 * <p>A candidate outside of its scan gets no score. A scan that cannot be read gets none at all, and is among the
 * {@link #failures()}: for the challenge it is a scan in which nothing was found.
 *
 * <p>Scores do not depend on the number of threads. Memory: for each thread a network, a scan and {@value #BATCH} patches.
 */
public final class CandidateScores {
    private static final int BATCH = 32;

    private final Map<String, List<Score>> scores;
    private final List<ScanFailure> failures;

    private CandidateScores(Map<String, List<Score>> scores, List<ScanFailure> failures) {
        this.scores = scores;
        this.failures = List.copyOf(failures);
    }

    /**
     * What a network says of a candidate.
     *
     * @param candidate of the scan's list
     * @param probability that it is a nodule
     */
    public record Score(Candidate candidate, double probability) {}

    /**
     * Scores the candidates of scans.
     *
     * @param models networks with the parameters to be used, such as {@link FlipAverage}s
     * @param settings how their patches are cut
     * @param threads how many scans are scored at a time, on threads of this call's own if there are several
     * @param listener hears of each scan that is done
     * @throws InterruptedException if the thread was interrupted
     */
    public static CandidateScores of(
            LocalModelPool models, PatchSettings settings, List<Scan> scans, int threads, PreparationListener listener)
            throws InterruptedException {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be >= 1, was " + threads);
        }
        PatchSettings cut = settings.withMargin(0);
        AtomicInteger done = new AtomicInteger();
        ExecutorService executor = Executors.newFixedThreadPool(threads, work -> {
            Thread thread = new Thread(work, "candidate-scores");
            thread.setDaemon(true);
            return thread;
        });
        List<Future<List<Score>>> results = new ArrayList<>();
        Map<String, List<Score>> scores = new LinkedHashMap<>();
        List<ScanFailure> failures = new ArrayList<>();
        try {
            for (Scan scan : scans) {
                results.add(executor.submit(() -> {
                    List<Score> own = models.borrow(model -> ofScan(model, cut, scan));
                    listener.scanFinished(done.incrementAndGet(), scans.size());
                    return own;
                }));
            }
            for (int i = 0; i < scans.size(); i++) {
                Scan scan = scans.get(i);
                try {
                    scores.put(scan.seriesUid(), results.get(i).get());
                } catch (ExecutionException e) {
                    failures.add(failure(scan, e));
                    scores.put(scan.seriesUid(), List.of());
                }
            }
        } finally {
            executor.shutdownNow();
        }
        return new CandidateScores(scores, failures);
    }

    private static ScanFailure failure(Scan scan, ExecutionException failed) throws InterruptedException {
        if (failed.getCause() instanceof InterruptedException interrupted) {
            throw interrupted;
        }
        if (failed.getCause() instanceof Error error) {
            throw error;
        }
        Exception cause = failed.getCause() instanceof Exception exception ? exception : failed;
        return new ScanFailure(scan.seriesUid(), scan.header(), cause);
    }

    private static List<Score> ofScan(LocalModel model, PatchSettings settings, Scan scan) throws InterruptedException {
        List<Score> scores = new ArrayList<>();
        if (scan.candidates().isEmpty()) {
            return scores;
        }
        PatchExtractor extractor = PatchExtractor.of(MetaImage.read(scan.header()), settings);
        int voxels = settings.shape().voxelCount();
        Batch batch = Batch.of(Math.min(BATCH, scan.candidates().size()), voxels, 1);
        float[] outputs = new float[batch.capacity()];
        List<Candidate> waiting = new ArrayList<>();
        for (Candidate candidate : scan.candidates()) {
            try {
                extractor
                        .extract(candidate.center())
                        .copyTo(settings.window(), batch.features(), waiting.size() * voxels);
            } catch (IllegalArgumentException e) {
                continue; // outside of the scan
            }
            waiting.add(candidate);
            if (waiting.size() == batch.capacity()) {
                flush(model, batch, outputs, waiting, scores);
            }
        }
        flush(model, batch, outputs, waiting, scores);
        return scores;
    }

    private static void flush(
            LocalModel model, Batch batch, float[] outputs, List<Candidate> waiting, List<Score> scores)
            throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException("the scoring of candidates was interrupted");
        }
        if (waiting.isEmpty()) {
            return;
        }
        batch.resize(waiting.size());
        model.evaluate(batch, outputs);
        for (int i = 0; i < waiting.size(); i++) {
            scores.add(new Score(waiting.get(i), outputs[i]));
        }
        waiting.clear();
        batch.resize(0);
    }

    /** The scores of a scan's candidates, in the order of its list. */
    public List<Score> scores(String seriesUid) {
        return List.copyOf(scores.getOrDefault(seriesUid, List.of()));
    }

    /** The scans, in the order that they were given in. */
    public List<String> series() {
        return List.copyOf(scores.keySet());
    }

    /** How many candidates have a score. */
    public int size() {
        return scores.values().stream().mapToInt(List::size).sum();
    }

    /** Those of some scans alone. */
    public CandidateScores ofScans(Collection<String> series) {
        Set<String> kept = Set.copyOf(series);
        Map<String, List<Score>> some = new LinkedHashMap<>(scores);
        some.keySet().retainAll(kept);
        return new CandidateScores(
                some,
                failures.stream()
                        .filter(failure -> kept.contains(failure.seriesUid()))
                        .toList());
    }

    /** The scans that could not be read. */
    public List<ScanFailure> failures() {
        return failures;
    }

    /** The scores as marks, which the challenge's evaluation takes in. */
    public Submission submission() {
        Map<String, List<Mark>> marks = new LinkedHashMap<>();
        scores.forEach((seriesUid, own) -> marks.put(
                seriesUid,
                own.stream()
                        .map(score -> new Mark(score.candidate().center(), score.probability()))
                        .toList()));
        return Submission.of(marks);
    }

    /** How probably a nodule has a higher score than another candidate, ties counted half; empty if one kind is missing. */
    public OptionalDouble auc() {
        Score[] order = scores.values().stream().flatMap(List::stream).toArray(Score[]::new);
        Arrays.sort(order, (one, other) -> Double.compare(one.probability(), other.probability()));
        long positives = 0;
        double pairs = 0;
        long negativesBelow = 0;
        for (int from = 0; from < order.length; ) {
            int to = from;
            long nodules = 0;
            while (to < order.length && order[to].probability() == order[from].probability()) {
                nodules += order[to].candidate().isNodule() ? 1 : 0;
                to++;
            }
            long others = to - from - nodules;
            pairs += nodules * (negativesBelow + others / 2.0);
            positives += nodules;
            negativesBelow += others;
            from = to;
        }
        return positives == 0 || negativesBelow == 0
                ? OptionalDouble.empty()
                : OptionalDouble.of(pairs / ((double) positives * negativesBelow));
    }

    @Override
    public String toString() {
        return size() + " candidates in " + scores.size() + " scans";
    }
}
