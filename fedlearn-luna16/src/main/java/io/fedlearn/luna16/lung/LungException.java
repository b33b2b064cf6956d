package io.fedlearn.luna16.lung;

import io.fedlearn.core.FedLearnException;

/** Thrown when there is no telling where the lungs are: no lung is seen in a scan, or a file is no mask of it. */
public final class LungException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    /** What is wrong. */
    public enum Problem {
        /** The scan has nothing in it that is denser than air. */
        NO_BODY,
        /** There is no air in the body that may be a lung. */
        NO_LUNG,
        /** A file has no voxel that says lung. */
        NO_MASK,
        /** A file's voxels lie elsewhere than the scan's. */
        OTHER_GEOMETRY
    }

    private final Problem problem;

    LungException(Problem problem, String message) {
        super(message);
        this.problem = problem;
    }

    /** What is wrong. */
    public Problem problem() {
        return problem;
    }
}
