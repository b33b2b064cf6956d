package io.fedlearn.core.budget;

import io.fedlearn.core.FedLearnException;

/** Thrown when a privacy ledger cannot be read or written, or is not as it was written; the message says where and why. */
public final class PrivacyLedgerException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    /** Reports what is wrong with the ledger itself. */
    public PrivacyLedgerException(String message) {
        super(message);
    }

    /** Reports a failure below the ledger. */
    public PrivacyLedgerException(String message, Throwable cause) {
        super(message, cause);
    }
}
