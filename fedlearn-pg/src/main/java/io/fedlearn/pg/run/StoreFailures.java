package io.fedlearn.pg.run;

import io.fedlearn.core.FedLearnException;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.pg.PgException;
import java.io.UncheckedIOException;
import java.util.function.Supplier;

/** Has failures of the database, and of the storage of a model's values, come out as failures of a store. */
final class StoreFailures {
    private StoreFailures() {}

    /**
     * Does what may fail so.
     *
     * @param what cannot be done then, for messages
     */
    static <T> T reporting(String what, Supplier<T> operation) {
        try {
            return operation.get();
        } catch (PgException e) {
            throw of(e);
        } catch (UncheckedIOException e) {
            throw new RunStoreException(what + ": " + e.getMessage(), e);
        } catch (RunStoreException | LeaseLostException e) {
            throw e;
        } catch (FedLearnException e) {
            throw new RunStoreException(what + ": " + e.getMessage(), e);
        }
    }

    /** A failure of the database, which says itself what could not be done. */
    static RunStoreException of(PgException failure) {
        return new RunStoreException(String.valueOf(failure.getMessage()), failure);
    }
}
