package io.fedlearn.pg.budget;

import io.fedlearn.core.FedLearnException;

/** A charge was weighed against a limit that is no longer that of its scope; nothing was debited. Never leaves the package. */
final class LimitChangedException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    LimitChangedException(String scope) {
        super("the limit of scope '" + scope + "' was changed meanwhile");
    }
}
