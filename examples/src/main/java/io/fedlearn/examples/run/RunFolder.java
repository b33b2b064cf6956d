package io.fedlearn.examples.run;

import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.examples.protection.Ledgers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The folder of a run, open, with the stores that keep the run there or in a database. Looks at once whether there is a run already, so
 * that nothing else is begun in vain. Confined to one thread at a time.
 */
public final class RunFolder implements AutoCloseable {
    private static final String REPORT = "report.html";

    private final Path path;
    private final RunStores stores;
    private final boolean resuming;
    private final Optional<SavedRun> saved;

    private RunFolder(Path path, RunStores stores, boolean resuming, Optional<SavedRun> saved) {
        this.path = path;
        this.stores = stores;
        this.resuming = resuming;
        this.saved = saved;
    }

    /** Opens what keeps a run. */
    public interface Opener {
        /** Opens it. */
        RunStores open() throws InterruptedException;
    }

    /**
     * Opens the folder that the options name.
     *
     * @param opener of the stores, which the folder closes
     * @throws InputException if they hold a run that is not to be resumed, or it is no folder
     * @throws io.fedlearn.core.store.RunStoreException if it cannot be used
     */
    static RunFolder open(RunOptions options, Opener opener) throws InterruptedException {
        Path path = options.out();
        if (Files.exists(path) && !Files.isDirectory(path)) {
            throw new InputException("--out " + path + " is not a folder");
        }
        RunStores stores = opener.open();
        try {
            Optional<SavedRun> saved = stores.runs().load();
            if (saved.isPresent() && !options.isResuming()) {
                int rounds = saved.get().records().size();
                // Of how many it is kept nowhere: whoever resumes it says so.
                throw new InputException(
                        stores + " holds a run already, of " + rounds + (rounds == 1 ? " round" : " rounds")
                                + ": pass --out with another folder, or --resume to go on with it"
                                + (rounds < options.rounds() ? "" : ", to more than " + rounds + " --rounds in all"));
            }
            return new RunFolder(path, stores, options.isResuming(), saved);
        } catch (RuntimeException e) {
            stores.close();
            throw e;
        }
    }

    /** The folder. */
    public Path path() {
        return path;
    }

    /** Where the report goes. */
    public Path report() {
        return path.resolve(REPORT);
    }

    /** Whether there are rounds of an earlier process. */
    public boolean holdsRun() {
        return saved.isPresent();
    }

    /** Where it is kept what private runs spend. */
    public Ledgers ledgers() {
        return stores.ledgers();
    }

    /**
     * Has the federation keep its run here, and what its clients keep between rounds if the strategy has them keep anything: a
     * run that resumed without would go on with clients that have forgotten. Once only: the federation closes the run store.
     */
    public void keep(Federation.Builder federation, Strategy strategy) {
        federation.store(new LoadedStore(stores.runs(), saved)).resume(resuming).audit(stores.audit());
        stores.runId().ifPresent(federation::runId);
        if (strategy.requirements().contains(Capability.CLIENT_STATE)) {
            federation.clientStates(stores.clientStates());
        }
    }

    /** Where everything of a run that is done is. */
    List<String> leave(Run run) throws IOException {
        return stores.leave(run, path);
    }

    @Override
    public void close() {
        stores.close();
    }

    /** A store whose run was loaded before, with notices that come only once. */
    private record LoadedStore(RunStore store, Optional<SavedRun> saved) implements RunStore {
        @Override
        public Optional<SavedRun> load() {
            return saved;
        }

        @Override
        public void create(RunHeader header, Checkpoint initial) {
            store.create(header, initial);
        }

        @Override
        public void commit(Checkpoint checkpoint, boolean best) {
            store.commit(checkpoint, best);
        }

        @Override
        public Optional<Model> model(int round) {
            return store.model(round);
        }

        @Override
        public void close() {
            store.close();
        }
    }
}
