package io.fedlearn.luna16.patch;

import io.fedlearn.luna16.dataset.Candidate;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

/**
 * Patches in the files of a {@link PatchCache}, in the order of the scans and of their candidates, counted from 0. On the
 * heap is only what they show and where; the voxels are read one patch at a time. Immutable and thread-safe.
 */
public final class PatchSet {
    private final PatchSettings settings;
    private final List<CacheFile> files;
    /** The number of the first patch of each file, and behind them how many there are in all. */
    private final int[] starts;

    private PatchSet(PatchSettings settings, List<CacheFile> files, int[] starts) {
        this.settings = settings;
        this.files = files;
        this.starts = starts;
    }

    static PatchSet of(PatchSettings settings, List<CacheFile> files) {
        int[] starts = new int[files.size() + 1];
        for (int i = 0; i < files.size(); i++) {
            starts[i + 1] = Math.addExact(starts[i], files.get(i).count());
        }
        return new PatchSet(settings, List.copyOf(files), starts);
    }

    /** How they were cut. */
    public PatchSettings settings() {
        return settings;
    }

    /** How many there are. */
    public int size() {
        return starts[files.size()];
    }

    /** How many show a nodule. */
    public int noduleCount() {
        int count = 0;
        for (int i = 0; i < size(); i++) {
            count += isNodule(i) ? 1 : 0;
        }
        return count;
    }

    /** The scans' names, in order; those without a patch are not among them. */
    public List<String> seriesUids() {
        return files.stream().map(CacheFile::seriesUid).toList();
    }

    private int file(int index) {
        if (index < 0 || index >= size()) {
            throw new IndexOutOfBoundsException("patch " + index + " of " + size());
        }
        int low = 0;
        int high = files.size();
        while (high - low > 1) {
            int middle = (low + high) >>> 1;
            if (starts[middle] <= index) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** The scan that a patch was cut out of. */
    public String seriesUid(int index) {
        return files.get(file(index)).seriesUid();
    }

    /** Where a patch's centre is, and whether that is a nodule. */
    public Candidate candidate(int index) {
        int file = file(index);
        return files.get(file).candidate(index - starts[file]);
    }

    /** Whether a patch shows a nodule. */
    public boolean isNodule(int index) {
        int file = file(index);
        return files.get(file).isNodule(index - starts[file]);
    }

    /** How many times further apart a patch's voxels are along y than along x. */
    double spacingRatio(int index) {
        return files.get(file(index)).spacingRatio();
    }

    /**
     * Reads a patch, without its margin.
     *
     * @throws PatchCacheException if its file is gone, or damaged since it was prepared
     */
    public Patch patch(int index) {
        PatchShape box = settings.boxShape();
        short[] values = new short[box.voxelCount()];
        readBox(index, new byte[values.length * Short.BYTES], values);
        return Patch.wrap(box, values).centered(settings.shape());
    }

    /** Reads the voxels of a patch, its margin included; the bytes are scratch, two for each voxel. */
    void readBox(int index, byte[] bytes, short[] values) {
        int file = file(index);
        files.get(file).read(index - starts[file], bytes);
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asShortBuffer().get(values);
    }

    /** The patches of these scans, in this set's order; names of scans that it has no patches of are ignored. */
    public PatchSet ofScans(Collection<String> seriesUids) {
        Set<String> wanted = new HashSet<>(seriesUids);
        List<CacheFile> chosen = new ArrayList<>();
        for (CacheFile file : files) {
            if (wanted.contains(file.seriesUid())) {
                chosen.add(file);
            }
        }
        return of(settings, chosen);
    }

    /**
     * SHA-256 in hexadecimal over all patches in their order, where they were cut and what they show: two sets of one digest
     * hold the same data. Window and margin count only as far as they decide what was cut out.
     */
    public String digest() {
        MessageDigest digest = ContentDigests.sha256();
        for (CacheFile file : files) {
            file.addTo(digest);
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
