package io.fedlearn.luna16.image;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Reads the scans of one format. A service: whatever {@link java.util.ServiceLoader} finds takes part in
 * {@link VolumeReaders#installed()}, ahead of the readers that come with this module. Thread-safe.
 *
 * <p>A reader's answer is a CT in HU whose geometry is in the LPS system (x to the patient's left, y to the back, z to the
 * head): what a format stores otherwise, such as a slope of its values or the RAS system, is the reader's to convert. Values
 * between whole numbers are rounded, halves to the even neighbour; a value beyond 16 bits is refused, and never cut off.
 */
public interface VolumeReader {
    /** A short name, as users call it: {@code NIfTI-1}. No two installed readers should share it. */
    String name();

    /** What it reads, for messages: {@code .nii, .nii.gz, .hdr with .img}. */
    String formats();

    /**
     * Whether a file, or a folder of slices, is of this reader's format, by its name and its first bytes. It answers for the
     * format alone: a damaged file of the format is accepted here and refused by {@link #read}, with the reason; and so is
     * every file while the reader {@linkplain #missing() lacks something}.
     *
     * @param path of a file or folder that exists
     * @throws IOException if the first bytes cannot be read
     */
    boolean accepts(Path path) throws IOException;

    /**
     * Reads a scan whole.
     *
     * @throws VolumeException if the scan is damaged, incomplete or of a kind that this reader does not read
     * @throws IOException if a file cannot be read; {@link VolumeReaders} makes it a {@link VolumeException}
     */
    Volume read(Path path) throws IOException;

    /**
     * What this reader lacks on this machine and how to add it, in one sentence, such as a native library; empty if it can
     * read.
     */
    default Optional<String> missing() {
        return Optional.empty();
    }
}
