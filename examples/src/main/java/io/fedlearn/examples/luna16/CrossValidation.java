package io.fedlearn.examples.luna16;

import io.fedlearn.examples.report.Figures;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.luna16.dataset.DatasetCheck;
import io.fedlearn.luna16.dataset.Luna16Dataset;
import io.fedlearn.luna16.dataset.ReferenceStandard;
import io.fedlearn.luna16.dataset.Scan;
import io.fedlearn.luna16.dataset.Submission;
import io.fedlearn.luna16.froc.FrocResult;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The challenge's cross-validation: one run for each subset, tested on it and trained on the others, and one score over the marks of
 * all. Each run is in a folder of its own; what is done is not repeated.
 */
final class CrossValidation {
    private final Path folder;
    private final PrintWriter out;

    private CrossValidation(Path folder, PrintWriter out) {
        this.folder = folder;
        this.out = out;
    }

    /** In this folder. */
    static CrossValidation in(Path folder, PrintWriter out) {
        return new CrossValidation(folder, out);
    }

    /**
     * Does the folds that are not done, and scores all.
     *
     * @param options of each run
     */
    void run(List<String> options) throws Exception {
        SubRuns runs = SubRuns.in(folder, options, out);
        Luna16Dataset dataset = Luna16Dataset.open(runs.data());
        List<Scan> scans = DatasetCheck.of(dataset).scans();
        Set<Integer> subsets = new TreeSet<>();
        scans.forEach(scan -> subsets.add(scan.subset()));
        if (subsets.size() < 2) {
            throw new InputException("--cross-validate needs scans in at least two subsets, " + runs.data()
                    + " has some in " + subsets.size());
        }
        for (int fold : subsets) {
            runs.check(name(fold), arguments(fold));
        }
        Grid grid = Grid.of("fold", "test scans", "candidates", "nodules", "AUC", "CPM", "seconds");
        Submission all = Submission.of(Map.of());
        int number = 0;
        for (int fold : subsets) {
            number++;
            out.println();
            out.println("Fold " + fold + " (" + number + " of " + subsets.size() + "): "
                    + (runs.done(name(fold)).isPresent() ? "done before." : folder.resolve(name(fold)) + "."));
            ScoreFile score = runs.run(name(fold), arguments(fold));
            ScoreFile.Figures figures = score.best();
            grid = grid.with(
                    Integer.toString(fold),
                    Integer.toString(score.scans()),
                    Integer.toString(score.candidates()),
                    Integer.toString(score.nodules()),
                    Figures.metric(figures.auc()),
                    Figures.metric(figures.cpm()),
                    Figures.seconds(score.seconds()));
            all = all.with(Submission.read(folder.resolve(name(fold)).resolve(ScoreFile.SUBMISSION)));
        }
        finish(grid, dataset, scans, all);
    }

    private static String name(int fold) {
        return "fold-" + fold;
    }

    private static List<String> arguments(int fold) {
        return List.of("--fold", Integer.toString(fold));
    }

    private void finish(Grid grid, Luna16Dataset dataset, List<Scan> scans, Submission all) throws IOException {
        Path submission = folder.resolve(ScoreFile.SUBMISSION);
        all.write(submission);
        out.println();
        grid.toLines().forEach(out::println);
        ReferenceStandard reference = ReferenceStandard.of(dataset)
                .restrictedTo(scans.stream().map(Scan::seriesUid).toList());
        Optional<FrocResult> result = ScanScores.froc(reference, all);
        List<String> lines = new ArrayList<>();
        if (result.isPresent()) {
            lines.addAll(ScanScores.grid(result.get()).toLines());
        } else {
            lines.add("The scans have no nodule, so there is no score.");
        }
        out.println();
        out.println("Over all " + reference.series().size() + " scans, each marked by the network that never saw it:");
        lines.forEach(out::println);
        out.println();
        out.println("Marks: " + submission);
        out.println("Score them again, with a band and a chart: fedlearn froc --submission " + submission
                + " --annotations " + dataset.annotationsFile() + " …");
        out.flush();
    }
}
