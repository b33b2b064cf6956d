package io.fedlearn.luna16.dataset;

import java.util.Optional;

/**
 * Something that is not as it should be in a data set that can be used all the same.
 *
 * @param kind what
 * @param seriesUid the scan that it concerns, if it is one
 * @param message what, in words; with the series, if there is one
 */
public record DatasetProblem(Kind kind, Optional<String> seriesUid, String message) {
    /** What may be wrong. */
    public enum Kind {
        /** Series are in the lists and not on the disk, as in a part of the challenge's data. */
        MISSING_SERIES(false),
        /** A series is on the disk and in no list. */
        UNKNOWN_SERIES(true),
        /** A list has a series that is not in {@code seriesuids.csv}. */
        UNLISTED_SERIES(false),
        /** A series lies in two subsets. */
        DUPLICATE_SERIES(true),
        /** A series lies twice in its subset. */
        SECOND_COPY(false),
        /** {@code .mhd} files lie in no subset. */
        STRAY_HEADERS(false),
        /** A scan's header is refused. */
        BAD_HEADER(true),
        /** A scan's voxels are missing, of another size than the header says, or outside its folder. */
        BAD_VOXELS(true),
        /** A list has the same row twice; one counts. */
        DUPLICATE_ROW(false),
        /** A list calls one place a nodule and none; no row of it counts. */
        CONTRADICTORY_ROW(false),
        /** Candidates lie outside their scan; they do not count. */
        CANDIDATE_OUTSIDE(false),
        /** An annotated nodule lies outside its scan. */
        NODULE_OUTSIDE(false),
        /** No candidate lies within an annotated nodule. */
        NODULE_WITHOUT_CANDIDATE(false),
        /** A scan has no candidate. */
        NO_CANDIDATES(false),
        /** A file that assigns sites names a series that is not in the data set. */
        SITE_OF_UNKNOWN_SERIES(false),
        /** A scan has no site, and is left out. */
        NO_SITE(true),
        /** A site has no scan. */
        EMPTY_SITE(false),
        /** A site's training or test part has no candidate, or candidates of one class only. */
        ONE_CLASS(false);

        private final boolean leavesOut;

        Kind(boolean leavesOut) {
            this.leavesOut = leavesOut;
        }

        /** Whether the scan is left out for it; otherwise it is a remark. */
        public boolean leavesScanOut() {
            return leavesOut;
        }
    }

    static DatasetProblem of(Kind kind, String message) {
        return new DatasetProblem(kind, Optional.empty(), message);
    }

    static DatasetProblem of(Kind kind, String seriesUid, String message) {
        return new DatasetProblem(kind, Optional.of(seriesUid), "series " + seriesUid + ": " + message);
    }
}
