package io.fedlearn.dl4j;

import java.util.function.DoubleSupplier;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.memory.enums.AllocationPolicy;
import org.nd4j.linalg.api.memory.enums.LearningPolicy;
import org.nd4j.linalg.api.memory.enums.ResetPolicy;
import org.nd4j.linalg.api.memory.enums.SpillPolicy;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Memory for the small arrays that a step or an evaluation makes on the way. Arrays outside of such memory would live off the
 * heap until the garbage collector, which sees only their handles, comes by.
 */
final class SmallArrays {
    private static final String NAME = "FEDLEARN_SMALL_ARRAYS";
    private static final WorkspaceConfiguration CONFIGURATION = WorkspaceConfiguration.builder()
            .initialSize(0)
            .overallocationLimit(0.05)
            .policyLearning(LearningPolicy.FIRST_LOOP)
            .policyReset(ResetPolicy.BLOCK_LEFT)
            .policySpill(SpillPolicy.REALLOCATE)
            .policyAllocation(AllocationPolicy.OVERALLOCATE)
            .build();

    private SmallArrays() {}

    /** Does something with arrays that are gone afterwards. */
    @SuppressWarnings("try")
    static double within(DoubleSupplier work) {
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().getAndActivateWorkspace(CONFIGURATION, NAME)) {
            return work.getAsDouble();
        }
    }
}
