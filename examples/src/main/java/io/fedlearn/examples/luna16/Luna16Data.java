package io.fedlearn.examples.luna16;

import io.fedlearn.examples.console.ProgressBar;
import io.fedlearn.examples.report.Figures;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.luna16.dataset.DatasetCheck;
import io.fedlearn.luna16.dataset.DatasetProblem;
import io.fedlearn.luna16.dataset.Scan;
import io.fedlearn.luna16.dataset.ScanSplit;
import io.fedlearn.luna16.dataset.SiteAssignment;
import io.fedlearn.luna16.patch.CandidateSelection;
import io.fedlearn.luna16.patch.PatchCache;
import io.fedlearn.luna16.patch.PatchSet;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PreparedPatches;
import io.fedlearn.luna16.patch.ScanFailure;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What the hospitals have.
 *
 * @param hospitals in the order of their names
 * @param tests the scans that are tested on, if there are any
 * @param pooled the same scans in one place, which is done for comparison only
 * @param digest of all patches
 * @param notes what a reader must know first
 * @param remarks what came up when patches were cut
 * @param problems what the check of the data found
 */
record Luna16Data(
        List<Hospital> hospitals,
        Optional<TestScans> tests,
        Hospital pooled,
        String digest,
        List<String> notes,
        List<String> remarks,
        List<String> problems) {
    private static final int MOST_REMARKS = 12;

    /**
     * Cuts the patches of all hospitals, as far as the cache does not have them.
     *
     * @param splits what each site trains and tests on
     * @param tests the scans that are tested on, if there are any
     * @param selection which candidates of a scan
     * @throws InputException if no hospital has a patch to train on
     */
    static Luna16Data cut(
            DatasetCheck check,
            SiteAssignment sites,
            Map<String, ScanSplit> splits,
            Optional<TestScans> tests,
            CandidateSelection selection,
            PatchSettings settings,
            PatchCache cache,
            ProgressBar bar)
            throws InterruptedException {
        List<Scan> scans = new ArrayList<>();
        sites.sites().values().forEach(scans::addAll);
        PreparedPatches prepared = cache.prepare(scans, settings, selection, bar::update);
        Map<String, Hospital> hospitals = new LinkedHashMap<>();
        List<String> remarks = new ArrayList<>();
        sites.sites()
                .forEach((name, own) -> hospitals.put(name, hospital(name, own.size(), splits, prepared.patches())));
        for (ScanFailure failure : prepared.failures()) {
            remarks.add("left out: " + failure.message());
        }
        if (hospitals.values().stream().allMatch(Hospital::isEmpty)) {
            throw new InputException("no hospital has a patch to train on"
                    + (remarks.isEmpty() ? "" : ": " + String.join("; ", remarks)));
        }
        if (prepared.omittedNegatives() > 0) {
            remarks.add(prepared.omittedNegatives() + " candidates that are no nodules are not used, as there are more"
                    + " than --negatives-per-scan: the figures of the rounds are over a part of them, those of the"
                    + " challenge over all.");
        }
        List<Scan> training = new ArrayList<>();
        List<Scan> test = new ArrayList<>();
        splits.values().forEach(split -> {
            training.addAll(split.training());
            test.addAll(split.test());
        });
        Hospital pooled = new Hospital(
                "pooled", scans.size(), ofScans(prepared.patches(), training), ofScans(prepared.patches(), test));
        return new Luna16Data(
                List.copyOf(hospitals.values()),
                tests,
                pooled,
                prepared.patches().digest(),
                List.of(),
                shortened(remarks),
                shortened(problems(check, sites, splits)));
    }

    /**
     * A hospital with its own of these patches.
     *
     * @param splits of all hospitals' scans
     */
    static Hospital hospital(String name, int scans, Map<String, ScanSplit> splits, PatchSet patches) {
        ScanSplit own = splits.getOrDefault(name, new ScanSplit(List.of(), List.of()));
        return new Hospital(name, scans, ofScans(patches, own.training()), ofScans(patches, own.test()));
    }

    private static PatchSet ofScans(PatchSet patches, List<Scan> scans) {
        return patches.ofScans(scans.stream().map(Scan::seriesUid).toList());
    }

    private static List<String> problems(DatasetCheck check, SiteAssignment sites, Map<String, ScanSplit> splits) {
        List<String> problems = new ArrayList<>();
        check.problems().stream().map(DatasetProblem::message).forEach(problems::add);
        sites.problems().stream().map(DatasetProblem::message).forEach(problems::add);
        splits.forEach((site, split) ->
                split.problems(site).stream().map(DatasetProblem::message).forEach(problems::add));
        return problems;
    }

    private static List<String> shortened(List<String> remarks) {
        if (remarks.size() <= MOST_REMARKS) {
            return List.copyOf(remarks);
        }
        List<String> first = new ArrayList<>(remarks.subList(0, MOST_REMARKS));
        first.add("and " + (remarks.size() - MOST_REMARKS) + " more");
        return List.copyOf(first);
    }

    /** The same data with something that a reader must know first. */
    Luna16Data withNotes(List<String> texts) {
        return new Luna16Data(hospitals, tests, pooled, digest, List.copyOf(texts), remarks, problems);
    }

    /** Which hospital has how many scans, for the run's record. */
    String sitesText() {
        return hospitals.stream()
                .map(hospital -> hospital.name() + "=" + hospital.scans())
                .collect(Collectors.joining(" "));
    }

    /** Scans and patches of each hospital. */
    Grid grid() {
        Grid grid = Grid.of("hospital", "scans", "training patches", "nodules", "share", "test patches", "nodules");
        for (Hospital hospital : hospitals) {
            grid = grid.with(
                    hospital.name(),
                    Integer.toString(hospital.scans()),
                    Integer.toString(hospital.training().size()),
                    Integer.toString(hospital.training().noduleCount()),
                    Figures.percent(
                            hospital.training().noduleCount(),
                            hospital.training().size()),
                    Integer.toString(hospital.test().size()),
                    Integer.toString(hospital.test().noduleCount()));
        }
        return grid;
    }
}
