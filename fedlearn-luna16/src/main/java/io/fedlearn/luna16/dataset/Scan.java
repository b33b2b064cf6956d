package io.fedlearn.luna16.dataset;

import java.nio.file.Path;
import java.util.List;

/**
 * One CT of a data set, with what is known about it.
 *
 * @param seriesUid the scan's name in all lists
 * @param subset the number of the folder {@code subsetN} that it lies in
 * @param header its {@code .mhd} file
 * @param nodules of the annotations, in the order of the list
 * @param candidates in the order of the list
 */
public record Scan(String seriesUid, int subset, Path header, List<Nodule> nodules, List<Candidate> candidates) {
    /** Copies the lists. */
    public Scan {
        nodules = List.copyOf(nodules);
        candidates = List.copyOf(candidates);
    }
}
