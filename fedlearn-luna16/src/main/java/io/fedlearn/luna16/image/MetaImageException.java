package io.fedlearn.luna16.image;

import io.fedlearn.core.FedLearnException;
import java.nio.file.Path;

/**
 * Thrown when a MetaImage file cannot be read: not there, not whole, not of this format, or of a kind that is not
 * supported. The message names file and reason; a voxel's value it never shows.
 */
public final class MetaImageException extends FedLearnException {
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
        BAD_VALUE
    }

    private final Problem problem;
    private final String file;
    private final String reason;

    MetaImageException(Problem problem, Path file, String reason) {
        super(file + ": " + reason);
        this.problem = problem;
        this.file = file.toString();
        this.reason = reason;
    }

    MetaImageException(Problem problem, Path file, String reason, Throwable cause) {
        super(file + ": " + reason, cause);
        this.problem = problem;
        this.file = file.toString();
        this.reason = reason;
    }

    /** What is wrong. */
    public Problem problem() {
        return problem;
    }

    /** The file to blame: the header, or a file with voxels. */
    public Path file() {
        return Path.of(file);
    }

    /** What is wrong, in words, without the file. */
    public String reason() {
        return reason;
    }
}
