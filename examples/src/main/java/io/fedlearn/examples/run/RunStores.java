package io.fedlearn.examples.run;

import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.examples.protection.Ledgers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Where a run is kept: in the files of its folder, or in a database. Confined to one thread at a time. */
public interface RunStores extends AutoCloseable {
    /** Rounds and models; the same store at each call. */
    RunStore runs();

    /** What happens. */
    AuditLog audit();

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
