package io.fedlearn.luna16.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.luna16.dataset.Candidate;
import io.fedlearn.luna16.dataset.Luna16Dataset;
import io.fedlearn.luna16.dataset.Mark;
import io.fedlearn.luna16.dataset.ReferenceStandard;
import io.fedlearn.luna16.dataset.Scan;
import io.fedlearn.luna16.froc.Froc;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.patch.CandidateSelection;
import io.fedlearn.luna16.patch.PatchCache;
import io.fedlearn.luna16.patch.PatchSet;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CandidateScoresTest {
    @TempDir
    private Path directory;

    private List<Scan> scans;

    @BeforeEach
    void writeScans() throws Exception {
        scans = Luna16Dataset.open(SmallScans.write(directory.resolve("scans"), 1, 4, true))
                .scans();
    }

    private static LocalModelPool networks() {
        Model model = SmallScans.NETWORK.withPrior(0.3).create().initialModel(2);
        return LocalModelPool.of(() -> {
            LocalModel network = SmallScans.NETWORK.create();
            network.load(model);
            // Weights of the last layer start at 0: one step tells patches apart.
            Batch batch = Batch.of(2, 512, 1);
            for (int i = 0; i < 512; i++) {
                batch.features()[i] = i % 7 / 7f;
            }
            batch.targets()[0] = 1;
            batch.resize(2);
            network.startTraining(TrainingSettings.defaults().withLearningRate(0.5), 1);
            float[] gradient = new float[network.trainables().length];
            network.lossAndGradient(batch, gradient);
            network.applyGradient(gradient);
            return network;
        });
    }

    private CandidateScores scores(List<Scan> some, int threads) throws InterruptedException {
        return CandidateScores.of(networks(), SmallScans.PATCHES, some, threads, (done, total) -> {});
    }

    @Test
    void scoresAsThePatchesOfACacheAre() throws Exception {
        CandidateScores scores = scores(scans, 1);

        PatchSet patches = PatchCache.at(directory.resolve("cache"))
                .prepare(scans, SmallScans.PATCHES, CandidateSelection.all())
                .patches();
        assertThat(scores.size()).isEqualTo(patches.size()).isEqualTo(12);
        List<Double> expected = new ArrayList<>();
        networks().borrow(network -> {
            Batch batch = Batch.of(1, 512, 1);
            batch.resize(1);
            float[] output = new float[1];
            for (int i = 0; i < patches.size(); i++) {
                patches.patch(i).copyTo(SmallScans.PATCHES.window(), batch.features(), 0);
                network.evaluate(batch, output);
                expected.add((double) output[0]);
            }
            return 0;
        });
        List<Double> actual = new ArrayList<>();
        for (String series : scores.series()) {
            scores.scores(series).forEach(score -> actual.add(score.probability()));
        }
        for (int i = 0; i < expected.size(); i++) {
            assertThat(actual.get(i)).isCloseTo(expected.get(i), within(1e-6));
        }
        assertThat(actual.stream().distinct()).hasSizeGreaterThan(6);
    }

    @Test
    void isTheSameOnAnyNumberOfThreads() throws Exception {
        assertThat(scores(scans, 3).submission()).isEqualTo(scores(scans, 1).submission());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> scores(scans, 0))
                .withMessage("threads must be >= 1, was 0");
    }

    @Test
    void givesMarksThatTheChallengesEvaluationTakes() throws Exception {
        CandidateScores scores = scores(scans, 2);
        List<Mark> marks = scores.submission().marks(scans.get(0).seriesUid());
        assertThat(marks)
                .extracting(Mark::center)
                .isEqualTo(scans.get(0).candidates().stream()
                        .map(Candidate::center)
                        .toList());
        ReferenceStandard reference = ReferenceStandard.of(scans);
        assertThat(Froc.official()
                        .score(reference, scores.submission())
                        .counts()
                        .truePositives())
                .isEqualTo(4);
        CandidateScores first = scores.ofScans(List.of(scans.get(0).seriesUid()));
        assertThat(first.size()).isEqualTo(3);
        assertThat(first.series()).hasSize(1);
    }

    @Test
    void leavesOutWhatLiesOutsideOfItsScan() throws Exception {
        Scan scan = scans.get(0);
        List<Candidate> candidates = new ArrayList<>(scan.candidates());
        candidates.add(1, new Candidate(new Point(900, 0, 0), false));
        Scan more = new Scan(scan.seriesUid(), scan.subset(), scan.header(), scan.nodules(), candidates);
        assertThat(scores(List.of(more), 1).submission())
                .isEqualTo(scores(List.of(scan), 1).submission());
    }

    @Test
    void namesScansThatCannotBeRead() throws Exception {
        Files.delete(scans.get(1).header());
        CandidateScores scores = scores(scans, 2);
        assertThat(scores.failures())
                .singleElement()
                .satisfies(failure ->
                        assertThat(failure.seriesUid()).isEqualTo(scans.get(1).seriesUid()));
        assertThat(scores.series()).hasSize(4);
        assertThat(scores.scores(scans.get(1).seriesUid())).isEmpty();
        assertThat(scores.ofScans(List.of(scans.get(0).seriesUid())).failures()).isEmpty();
    }

    @Test
    void hasNoAreaUnderACurveOfOneClass() throws Exception {
        CandidateScores scores = scores(scans, 1);
        assertThat(scores.auc()).isPresent();
        Scan scan = scans.get(0);
        Scan negative = new Scan(
                scan.seriesUid(), 0, scan.header(), List.of(), scan.candidates().subList(1, 3));
        assertThat(scores(List.of(negative), 1).auc()).isEmpty();
        assertThat(scores(List.of(), 1).auc()).isEmpty();
    }

    @Test
    void countsPairsAndTiesHalf() throws Exception {
        // Answers 0.5 to everything: of any two, neither is ahead.
        Model start = SmallScans.NETWORK.create().initialModel(1);
        LocalModelPool undecided = LocalModelPool.of(() -> {
            LocalModel network = SmallScans.NETWORK.create();
            network.load(start);
            return network;
        });
        assertThat(CandidateScores.of(undecided, SmallScans.PATCHES, scans, 1, (done, total) -> {})
                        .auc())
                .hasValue(0.5);
        double pairs = 0;
        CandidateScores scores = scores(scans, 1);
        List<CandidateScores.Score> all = new ArrayList<>();
        scores.series().forEach(series -> all.addAll(scores.scores(series)));
        for (CandidateScores.Score nodule : all) {
            for (CandidateScores.Score other : all) {
                if (nodule.candidate().isNodule() && !other.candidate().isNodule()) {
                    pairs += (Double.compare(nodule.probability(), other.probability()) + 1) / 2.0;
                }
            }
        }
        assertThat(scores.auc().orElseThrow()).isCloseTo(pairs / 32, within(1e-12));
    }

    @Test
    void endsWhenItsThreadIsInterrupted() {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> scores(scans, 1)).isInstanceOf(InterruptedException.class);
    }
}
