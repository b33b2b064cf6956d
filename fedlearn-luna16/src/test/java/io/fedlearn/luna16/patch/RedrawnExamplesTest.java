package io.fedlearn.luna16.patch;

import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.testkit.contract.ExampleSourceContract;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** What holds of every source holds of one of hard negatives too, as long as all its patches fit a pass. */
class RedrawnExamplesTest extends ExampleSourceContract {
    @TempDir
    private Path directory;

    private PatchSet patches;

    @BeforeEach
    void prepare() throws Exception {
        patches = PatchCache.at(directory.resolve("cache"))
                .prepare(Scans.write(directory.resolve("scans"), 4, 5), Scans.SETTINGS, CandidateSelection.all())
                .patches();
    }

    @Override
    protected ExampleSource create() {
        // Scan 0 has no nodule, so patches 0 to 3 are none; they get four places, and so each patch one.
        double negatives = patches.size() - patches.noduleCount();
        return PatchExamples.of(patches).withHardNegatives(new int[] {0, 1, 2, 3}, 3.5 / negatives);
    }

    @Override
    protected Optional<ExampleSource> createEmpty() {
        return Optional.of(PatchExamples.of(patches.ofScans(List.of())).withNegativeShare(0.5));
    }
}
