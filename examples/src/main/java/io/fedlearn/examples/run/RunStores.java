package io.fedlearn.examples.run;

import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.examples.protection.Ledgers;
import io.fedlearn.formats.audit.AuditSigner;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Where a run is kept: in the files of its folder, or in a database. Confined to one thread at a time. */
public interface RunStores extends AutoCloseable {
    /** Rounds and models; the same store at each call. */
    RunStore runs();

    /**
     * What happens.
     *
     * @throws InputException if what is there is signed to its end, and nobody would sign what follows
     */
    AuditLog audit();

    /** Lets nobody go on without a key where records have been signed: a log that ends unsigned proves nothing of its end. */
    static void requireKey(Optional<String> lastKeyId, Optional<AuditSigner> signer) {
        if (signer.isEmpty() && lastKeyId.isPresent()) {
            throw new InputException("the audit log there is signed, last by key " + lastKeyId.get()
                    + ": pass --audit-key to sign what follows, too");
        }
    }

    /** What clients keep between rounds; whoever opened the stores closes it with them. */
    ClientStateStore clientStates();

    /** What is spent. */
    Ledgers ledgers();

    /** The name that the run must have; empty if any will do. */
    Optional<String> runId();

    /** Where that is, for people. */
    @Override
    String toString();

    /**
     * Sees to it that the models of a run that is done lie in its folder.
     *
     * @return where everything else of it is, for people
     */
    List<String> leave(Run run, Path folder) throws IOException;

    @Override
    void close();
}
