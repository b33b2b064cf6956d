package io.fedlearn.luna16.patch;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.luna16.dataset.Scan;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What a cache is like after its process was killed, or had no room. */
class PatchCacheCrashTest {
    @TempDir
    private Path directory;

    private Path folder;
    private Map<String, String> undisturbed;
    private List<Scan> scans;

    @BeforeEach
    void prepareUndisturbed() throws InterruptedException {
        folder = directory.resolve("cache");
        Path other = directory.resolve("undisturbed");
        scans = Scans.write(directory.resolve("scans"), CachingChild.SCANS, CachingChild.NEGATIVES);
        PatchCache.at(other).prepare(scans, Scans.SETTINGS, CandidateSelection.all());
        undisturbed = Scans.files(other);
        assertThat(undisturbed).hasSize(CachingChild.SCANS);
    }

    private List<Path> parts() {
        return Scans.all(folder).stream()
                .filter(path -> path.toString().endsWith(CacheFile.PART))
                .toList();
    }

    @Test
    void hasTheBytesItWouldHaveHadAfterKills() throws Exception {
        for (int scan : new int[] {1, 3, 6}) {
            try (CachingChild child = CachingChild.start("prepare", directory, false)) {
                while (Integer.parseInt(child.readLine()) < scan) {
                    // Reads on until so many are done.
                }
                child.kill();
            }
            // What is there under its own name is whole, and as it should be.
            assertThat(undisturbed).containsAllEntriesOf(Scans.files(folder));
        }
        PreparedPatches prepared = PatchCache.at(folder).prepare(scans, Scans.SETTINGS, CandidateSelection.all());

        assertThat(prepared.repairedScans()).isZero();
        assertThat(prepared.reusedScans()).isGreaterThanOrEqualTo(6);
        assertThat(Scans.files(folder)).isEqualTo(undisturbed);
        assertThat(parts()).isEmpty();
    }

    @Test
    void keepsWhatAnotherProcessWritesUntilThatIsDead() throws Exception {
        try (CachingChild child = CachingChild.start("hang", directory, false)) {
            assertThat(child.readLine()).isEqualTo("half");
            PatchCache.at(folder).prepare(scans, Scans.SETTINGS, CandidateSelection.all());
            assertThat(parts()).as("written by a process that is alive").hasSize(1);
            child.kill();
        }
        PreparedPatches prepared = PatchCache.at(folder).prepare(scans, Scans.SETTINGS, CandidateSelection.all());

        assertThat(parts()).isEmpty();
        assertThat(prepared.reusedScans()).isEqualTo(CachingChild.SCANS);
        assertThat(Scans.files(folder)).isEqualTo(undisturbed);
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void staysValidWhenTheDiskIsFull() throws Exception {
        String message;
        try (CachingChild child = CachingChild.start("overflow", directory, true)) {
            message = child.readLine();
        }
        List<Scan> all = new ArrayList<>(scans);
        all.add(Scans.write(directory.resolve("scans"), CachingChild.SCANS, 0, CachingChild.MANY));
        long needed = CacheFile.byteCount("1.2.3." + CachingChild.SCANS, Scans.SETTINGS.boxShape(), CachingChild.MANY);
        assertThat(needed).isGreaterThan(CachingChild.MAX_FILE_KILOBYTES * 1024L);
        assertThat(message)
                .contains(folder.toString())
                .contains("1.2.3." + CachingChild.SCANS)
                .contains(needed + " bytes")
                .contains("what was finished before is kept");
        assertThat(parts()).isEmpty();
        assertThat(undisturbed).containsAllEntriesOf(Scans.files(folder));

        PreparedPatches prepared = PatchCache.at(folder).prepare(all, Scans.SETTINGS, CandidateSelection.all());
        assertThat(prepared.failures()).isEmpty();
        assertThat(prepared.repairedScans()).isZero();
        assertThat(Scans.files(folder)).hasSize(CachingChild.SCANS + 1).containsAllEntriesOf(undisturbed);
    }
}
