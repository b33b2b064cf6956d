package io.fedlearn.examples;

import io.fedlearn.core.federation.ResumeRefusedException;
import io.fedlearn.dl4j.InvalidModelFileException;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.formats.FormatException;
import io.fedlearn.grpc.TransportException;
import io.fedlearn.luna16.dataset.DatasetException;
import io.fedlearn.luna16.image.VolumeException;
import io.fedlearn.luna16.lung.LungException;
import io.fedlearn.luna16.phantom.PhantomException;
import io.fedlearn.models.idx.IdxException;
import io.fedlearn.models.table.TableException;
import io.fedlearn.pg.PgException;
import io.grpc.StatusRuntimeException;
import java.security.cert.CertificateException;
import picocli.CommandLine;

/** The exit codes of all commands, and which failure ends in which. */
final class ExitCode {
    static final int FAILED = CommandLine.ExitCode.SOFTWARE;
    static final int USAGE = CommandLine.ExitCode.USAGE;
    static final int UNREACHABLE = 3;
    static final int REFUSED = 4;
    static final int SUPERSEDED = 5;
    static final int PROTOCOL = 6;
    static final int INTERRUPTED = 130;

    private ExitCode() {}

    /** Mistakes of the caller, whether in options or in files, are one thing, failures of the run another. */
    static int of(Throwable failure) {
        if (failure instanceof InterruptedException) {
            return INTERRUPTED;
        }
        if (failure instanceof TransportException transport) {
            return switch (transport.reason()) {
                case ADDRESS -> USAGE;
                case SECURITY -> isOfOwnFiles(transport) ? USAGE : REFUSED;
                case UNREACHABLE -> UNREACHABLE;
                case REFUSED -> REFUSED;
                case SUPERSEDED -> SUPERSEDED;
                case VERSION, PROTOCOL -> PROTOCOL;
            };
        }
        if (failure instanceof PgException database) {
            return of(database);
        }
        boolean mistake = failure instanceof InputException
                || failure instanceof ResumeRefusedException
                || failure instanceof TableException
                || failure instanceof IdxException
                || failure instanceof FormatException
                || failure instanceof InvalidModelFileException
                || failure instanceof DatasetException
                || failure instanceof VolumeException
                || failure instanceof LungException
                || failure instanceof PhantomException phantom
                        && phantom.problem() != PhantomException.Problem.NOT_WRITABLE
                || failure instanceof IllegalArgumentException
                || failure instanceof IllegalStateException;
        return mistake ? USAGE : FAILED;
    }

    private static int of(PgException failure) {
        String state = failure.sqlState().orElse("");
        // It answered, and URL and server do not fit: no password, TLS on one side only.
        if (state.equals("08004")) {
            return USAGE;
        }
        if (failure.isUnreachable()) {
            return UNREACHABLE;
        }
        // 28: role or password; 3D: no such database; 42501: no right. Without a code, it is the schema that is not as
        // it should be.
        boolean mistake = state.isEmpty() || state.startsWith("28") || state.startsWith("3D") || state.equals("42501");
        return mistake ? USAGE : FAILED;
    }

    /** Whether files cannot be used, or do not vouch for the server; else the server is what did not want this client. */
    private static boolean isOfOwnFiles(TransportException failure) {
        if (!(failure.getCause() instanceof StatusRuntimeException)) {
            return true;
        }
        for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof CertificateException) {
                return true;
            }
        }
        return false;
    }
}
