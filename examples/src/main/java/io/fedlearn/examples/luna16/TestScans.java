package io.fedlearn.examples.luna16;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.dl4j.Dl4jModel;
import io.fedlearn.luna16.dataset.Luna16Dataset;
import io.fedlearn.luna16.dataset.ReferenceStandard;
import io.fedlearn.luna16.dataset.Scan;
import io.fedlearn.luna16.dataset.ScanSplit;
import io.fedlearn.luna16.network.CandidateScores;
import io.fedlearn.luna16.network.FlipAverage;
import io.fedlearn.luna16.patch.PreparationListener;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The scans that are tested on, with what should be found in them.
 *
 * @param reference of all of them
 * @param hospitals whose scans are which; those without any are absent
 */
record TestScans(ReferenceStandard reference, Map<String, List<Scan>> hospitals) {
    /** The test scans of all hospitals; empty if there are none. */
    static Optional<TestScans> of(Luna16Dataset dataset, Map<String, ScanSplit> splits) {
        Map<String, List<Scan>> hospitals = new LinkedHashMap<>();
        splits.forEach((hospital, split) -> {
            if (!split.test().isEmpty()) {
                hospitals.put(hospital, split.test());
            }
        });
        List<String> series = hospitals.values().stream()
                .flatMap(List::stream)
                .map(Scan::seriesUid)
                .toList();
        return series.isEmpty()
                ? Optional.empty()
                : Optional.of(new TestScans(ReferenceStandard.of(dataset).restrictedTo(series), hospitals));
    }

    /** All of them. */
    List<Scan> scans() {
        List<Scan> scans = new ArrayList<>();
        hospitals.values().forEach(scans::addAll);
        return scans;
    }

    /**
     * What a model makes of all candidates of all test scans.
     *
     * @param isFlipped whether eight mirror images are averaged
     * @param threads how many scans are scored at a time
     * @param listener hears of each scan that is done
     */
    ScanScores score(
            NetworkSettings settings, Model model, boolean isFlipped, int threads, PreparationListener listener)
            throws InterruptedException {
        LocalModelPool networks = LocalModelPool.of(() -> {
            Dl4jModel network = settings.network().create();
            network.load(model);
            return isFlipped ? FlipAverage.of(network) : network;
        });
        return new ScanScores(this, CandidateScores.of(networks, settings.patches(), scans(), threads, listener));
    }
}
