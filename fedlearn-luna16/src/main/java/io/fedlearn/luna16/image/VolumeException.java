package io.fedlearn.luna16.image;

import io.fedlearn.core.FedLearnException;
import java.nio.file.Path;

/**
 * Thrown by all {@link VolumeReader}s when a scan cannot be read: not there, not whole, not of the format, of a kind that is
 * not supported, or of a format without a reader. The message names file and reason; a voxel's value it never shows.
 */
public final class VolumeException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    /** What is wrong. */
    public enum Problem {
        /** The header does not exist, or a file cannot be read. */
        UNREADABLE,
        /** The header is not one of an image, or a value in it is none or contradicts another. */
        BAD_HEADER,
        /** The header is in order, and asks for something that this reader does not do. */
        UNSUPPORTED,
        /** The header names voxels that lie outside its own folder. */
        OUTSIDE_FOLDER,
        /** The file with the voxels does not exist. */
        MISSING_VOXELS,
        /** There are fewer bytes than the header says. */
        TOO_SHORT,
        /** There are more bytes than the header says. */
        TOO_LONG,
        /** Compressed voxels are damaged. */
        BAD_COMPRESSION,
        /** A voxel is no whole number of 16 bits. */
        BAD_VALUE,
        /** The volume takes more memory than there is. */
        NO_MEMORY,
        /** No reader takes the file, or the one that would lacks something; the reason says what to add. */
        NO_READER
    }

    private final Problem problem;
    private final String file;
    private final String reason;

    /**
     * A failure that its reader found by itself.
     *
     * @param file to blame
     * @param reason what is wrong, in words, without the file
     */
    public VolumeException(Problem problem, Path file, String reason) {
        super(file + ": " + reason);
        this.problem = problem;
        this.file = file.toString();
        this.reason = reason;
    }

    /**
     * A failure that something else found.
     *
     * @param file to blame
     * @param reason what is wrong, in words, without the file
     */
    public VolumeException(Problem problem, Path file, String reason, Throwable cause) {
        super(file + ": " + reason, cause);
        this.problem = problem;
        this.file = file.toString();
        this.reason = reason;
    }

    /** What is wrong. */
    public Problem problem() {
        return problem;
    }

    /** The file to blame: the header, a file with voxels, or a folder. */
    public Path file() {
        return Path.of(file);
    }

    /** What is wrong, in words, without the file. */
    public String reason() {
        return reason;
    }
}
