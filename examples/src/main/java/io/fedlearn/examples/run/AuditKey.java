package io.fedlearn.examples.run;

import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.audit.AuditSigner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Optional;
import java.util.Set;

/**
 * The key that signs a run's audit log.
 *
 * @param file that it was read from
 * @param signer with it
 */
record AuditKey(Path file, AuditSigner signer) {
    /** Reads a key, or says why it cannot be used. */
    static AuditKey read(Path file) {
        try {
            return new AuditKey(file, AuditSigner.read(file));
        } catch (NoSuchFileException e) {
            throw new InputException("--audit-key " + file + ": there is no such file", e);
        } catch (FormatException e) {
            throw new InputException(
                    "--audit-key " + file + " " + e.reason() + ": 'fedlearn audit keygen' makes a key", e);
        } catch (IllegalArgumentException e) {
            throw new InputException("--audit-key " + file + ": " + e.getMessage(), e);
        } catch (IOException e) {
            throw InputException.of("--audit-key " + file + " cannot be read", e);
        }
    }

    /** What the owner of the key should know of its file. */
    Optional<String> warning() {
        try {
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
            return permissions.contains(PosixFilePermission.GROUP_READ)
                            || permissions.contains(PosixFilePermission.OTHERS_READ)
                    ? Optional.of(
                            "--audit-key " + file + " can be read by other users of this machine, who could sign as"
                                    + " you; chmod 600 changes that")
                    : Optional.empty();
        } catch (IOException | UnsupportedOperationException e) {
            // No such permissions there.
            return Optional.empty();
        }
    }
}
