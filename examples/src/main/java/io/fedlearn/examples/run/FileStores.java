package io.fedlearn.examples.run;

import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.examples.protection.Ledgers;
import io.fedlearn.files.FileAuditLog;
import io.fedlearn.files.FileClientStateStore;
import io.fedlearn.files.FileRunStore;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A run in the files of its folder. */
final class FileStores implements RunStores {
    private static final String CLIENTS = "clients";

    private final Path path;
    private final FileRunStore store;
    private final Ledgers ledgers;
    private Optional<FileClientStateStore> clientStates = Optional.empty();

    private FileStores(Path path, Path ledgers) {
        this.path = path;
        this.store = FileRunStore.at(path);
        this.ledgers = Ledgers.inFolder(ledgers);
    }

    /** The files that the options name. */
    static FileStores of(RunOptions options) {
        return new FileStores(options.out(), options.ledgers());
    }

    @Override
    public RunStore runs() {
        return store;
    }

    @Override
    public AuditLog audit() {
        return FileAuditLog.at(path.resolve(FileAuditLog.FILE_NAME));
    }

    @Override
    public ClientStateStore clientStates() {
        FileClientStateStore kept = clientStates.orElseGet(() -> FileClientStateStore.at(path.resolve(CLIENTS)));
        clientStates = Optional.of(kept);
        return kept;
    }

    @Override
    public Ledgers ledgers() {
        return ledgers;
    }

    @Override
    public Optional<String> runId() {
        return Optional.empty();
    }

    @Override
    public String toString() {
        return path.toString();
    }

    @Override
    public List<String> leave(Run run, Path folder) {
        return List.of("History: " + folder.resolve("history.json"));
    }

    @Override
    public void close() {
        clientStates.ifPresent(FileClientStateStore::close);
        store.close();
    }
}
