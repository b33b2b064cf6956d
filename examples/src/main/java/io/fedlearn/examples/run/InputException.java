package io.fedlearn.examples.run;

import io.fedlearn.core.FedLearnException;

/**
 * Thrown when what the user gave cannot be used: an option, a file, a folder. The message says what, and what to do.
 */
public final class InputException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    /** Reports what is wrong with the input. */
    public InputException(String message) {
        super(message);
    }

    /** Reports what is wrong with the input, and what showed it. */
    public InputException(String message, Throwable cause) {
        super(message, cause);
    }
}
