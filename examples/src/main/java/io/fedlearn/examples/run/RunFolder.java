package io.fedlearn.examples.run;

import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.files.FileAuditLog;
import io.fedlearn.files.FileClientStateStore;
import io.fedlearn.files.FileRunStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The folder of a run, open: checkpoints, history, audit log and report. Looks at once whether there is a run in it
 * already, so that nothing else is begun in vain. Confined to one thread at a time.
 */
public final class RunFolder implements AutoCloseable {
    private static final String CLIENTS = "clients";
    private static final String REPORT = "report.html";

    private final Path path;
    private final FileRunStore store;
    private final boolean resuming;
    private final Optional<SavedRun> saved;
    private Optional<FileClientStateStore> clientStates = Optional.empty();

    private RunFolder(Path path, FileRunStore store, boolean resuming, Optional<SavedRun> saved) {
        this.path = path;
        this.store = store;
        this.resuming = resuming;
        this.saved = saved;
    }

    /**
     * Opens the folder that the options name.
     *
     * @throws InputException if it holds a run that is not to be resumed, or is no folder
     * @throws io.fedlearn.core.store.RunStoreException if it cannot be used
     */
    public static RunFolder open(RunOptions options) {
        Path path = options.out();
        if (Files.exists(path) && !Files.isDirectory(path)) {
            throw new InputException("--out " + path + " is not a folder");
        }
        FileRunStore store = FileRunStore.at(path);
        try {
            Optional<SavedRun> saved = store.load();
            if (saved.isPresent() && !options.isResuming()) {
                int rounds = saved.get().records().size();
                // Of how many it is kept nowhere: whoever resumes it says so.
                throw new InputException(
                        path + " holds a run already, of " + rounds + (rounds == 1 ? " round" : " rounds")
                                + ": pass --out with another folder, or --resume to go on with it"
                                + (rounds < options.rounds() ? "" : ", to more than " + rounds + " --rounds in all"));
            }
            return new RunFolder(path, store, options.isResuming(), saved);
        } catch (RuntimeException e) {
            store.close();
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

    /**
     * Has the federation keep its run here, and what its clients keep between rounds if the strategy has them keep anything: a
     * run that resumed without would go on with clients that have forgotten. Once only: the federation closes the run store.
     */
    public void keep(Federation.Builder federation, Strategy strategy) {
        federation
                .store(new LoadedStore(store, saved))
                .resume(resuming)
                .audit(FileAuditLog.at(path.resolve(FileAuditLog.FILE_NAME)));
        if (strategy.requirements().contains(Capability.CLIENT_STATE)) {
            FileClientStateStore kept = FileClientStateStore.at(path.resolve(CLIENTS));
            clientStates = Optional.of(kept);
            federation.clientStates(kept);
        }
    }

    @Override
    public void close() {
        clientStates.ifPresent(FileClientStateStore::close);
        store.close();
    }

    /** A store whose run was loaded before, with notices that come only once. */
    private record LoadedStore(FileRunStore store, Optional<SavedRun> saved) implements RunStore {
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
