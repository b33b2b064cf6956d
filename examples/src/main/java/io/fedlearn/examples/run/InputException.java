package io.fedlearn.examples.run;

import io.fedlearn.core.FedLearnException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/**
 * Thrown when what the user gave cannot be used: an option, a file, a folder. The message says what, and what to do.
 */
public final class InputException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    /** Reports what is wrong with the input. */
    public InputException(String message) {
        super(message);
    }

    /** Reports a file that cannot be read or written, and why. */
    public static InputException of(String message, IOException cause) {
        return new InputException(message + ": " + reason(cause), cause);
    }

    /** The system's own messages are often no more than the name of the file. */
    private static String reason(IOException cause) {
        if (cause instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (cause instanceof NoSuchFileException) {
            return "a folder on the way does not exist";
        }
        if (cause instanceof FileAlreadyExistsException || cause instanceof NotDirectoryException) {
            return "there is a file where a folder should be";
        }
        if (cause instanceof FileSystemException failure && failure.getReason() != null) {
            return failure.getReason();
        }
        return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }

    /** Reports what is wrong with the input, and what showed it. */
    public InputException(String message, Throwable cause) {
        super(message, cause);
    }
}
