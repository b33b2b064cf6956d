package io.fedlearn.examples.run;

import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.examples.protection.Ledgers;
import io.fedlearn.files.FileAuditLog;
import io.fedlearn.files.FileClientStateStore;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.formats.audit.AuditSigner;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A run in the files of its folder. */
final class FileStores implements RunStores {
    private static final String CLIENTS = "clients";

    private final Path path;
    private final FileRunStore store;
    private final Ledgers ledgers;
    private final Optional<AuditSigner> auditSigner;
    private Optional<FileClientStateStore> clientStates = Optional.empty();

    private FileStores(Path path, Path ledgers, Optional<AuditSigner> auditSigner) {
        this.auditSigner = auditSigner;
        this.path = path;
        this.store = FileRunStore.at(path);
        this.ledgers = Ledgers.inFolder(ledgers);
    }

    /** The files that the options name. */
    static FileStores of(RunOptions options) {
        return new FileStores(options.out(), options.ledgers(), options.auditSigner());
    }

    @Override
    public RunStore runs() {
        return store;
    }

    @Override
    public AuditLog audit() {
        Path file = path.resolve(FileAuditLog.FILE_NAME);
        FileAuditLog log = auditSigner.map(key -> FileAuditLog.at(file, key)).orElseGet(() -> FileAuditLog.at(file));
        try {
            RunStores.requireKey(log.lastKeyId(), auditSigner);
        } catch (InputException e) {
            log.close();
            throw e;
        }
        return log;
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
        List<String> left = new ArrayList<>();
        left.add("History: " + folder.resolve("history.json"));
        auditSigner.ifPresent(
                key -> left.add("Audit:   " + folder.resolve(FileAuditLog.FILE_NAME) + ", signed by " + key));
        return left;
    }

    @Override
    public void close() {
        clientStates.ifPresent(FileClientStateStore::close);
        store.close();
    }
}
