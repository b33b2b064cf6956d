package io.fedlearn.grpc.client;

import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.TransportException.Reason;
import io.fedlearn.grpc.proto.v1.Goodbye;
import io.grpc.Status;
import java.security.cert.CertificateException;
import java.util.Locale;
import java.util.Optional;
import javax.net.ssl.SSLException;

/** Tells what is refused for good from what may go better another time, and says it in words that a site's staff can act on. */
final class Refusals {
    /** From this code on a client comes back. */
    private static final int FIRST_TEMPORARY = 20;

    private final String server;
    private final String clientId;

    /**
     * Words about this server and client.
     *
     * @param server host and port
     */
    Refusals(String server, String clientId) {
        this.server = server;
        this.clientId = clientId;
    }

    /** Whether the client comes back after this goodbye. */
    static boolean isTemporary(Goodbye goodbye) {
        return goodbye.getCodeValue() >= FIRST_TEMPORARY;
    }

    /** Why the server has sent the client away for good. */
    TransportException of(Goodbye goodbye) {
        String says = goodbye.getReason().isBlank() ? "" : " (it says: " + plain(goodbye.getReason()) + ")";
        return switch (goodbye.getCode()) {
            case GOODBYE_CODE_NO_COMMON_VERSION ->
                new TransportException(
                        Reason.VERSION,
                        "the server at " + server + " and this client speak no common version of the protocol" + says
                                + ": update FedLearn here or there");
            case GOODBYE_CODE_IDENTITY_REFUSED ->
                new TransportException(
                        Reason.REFUSED,
                        "the server at " + server + " does not let '" + clientId + "' in" + says
                                + ": the client id must be the one in this site's certificate or of its token; ask who"
                                + " runs the server whether this site is admitted");
            case GOODBYE_CODE_REVOKED ->
                new TransportException(
                        Reason.REFUSED,
                        "the server at " + server + " has revoked the admission of '" + clientId + "'" + says
                                + ": ask who runs it for a new certificate or token");
            case GOODBYE_CODE_SUPERSEDED ->
                new TransportException(
                        Reason.SUPERSEDED,
                        "another process has joined the server at " + server + " as '" + clientId + "'" + says
                                + ": stop one of the two, or give each an id of its own");
            case GOODBYE_CODE_MALFORMED ->
                new TransportException(
                        Reason.PROTOCOL,
                        "the server at " + server + " cannot read what this client sends" + says
                                + ": is it the same version of FedLearn?");
            default ->
                new TransportException(
                        Reason.REFUSED,
                        "the server at " + server + " has sent '" + clientId + "' away for good" + says
                                + ": ask who runs it why");
        };
    }

    /**
     * Why trying again is of no use, if it is of none.
     *
     * @param hasJoined whether the client has been with this server before: then certificates and addresses were right
     */
    Optional<TransportException> of(Status status, boolean hasJoined) {
        String says = describe(status);
        switch (status.getCode()) {
            case UNAUTHENTICATED, PERMISSION_DENIED -> {
                return Optional.of(new TransportException(
                        Reason.REFUSED,
                        "the server at " + server + " does not accept who this client is (it says: " + says
                                + "): check this site's certificate or token, and ask who runs the server whether they"
                                + " are admitted",
                        status.asRuntimeException()));
            }
            case UNIMPLEMENTED -> {
                return firstOnly(
                        hasJoined,
                        Reason.PROTOCOL,
                        "what listens at " + server + " is no FedLearn server (it says: " + says
                                + "): check host and port; a server of Flower needs FlowerClient",
                        status);
            }
            default -> {
                return ofTls(status, hasJoined);
            }
        }
    }

    private Optional<TransportException> ofTls(Status status, boolean hasJoined) {
        for (Throwable cause = status.getCause(); cause != null; cause = cause.getCause()) {
            String message = String.valueOf(cause.getMessage());
            if (message.contains("not an SSL/TLS record")) {
                return firstOnly(
                        hasJoined,
                        Reason.SECURITY,
                        "the server at " + server
                                + " does not speak TLS: check host and port; a server without TLS needs"
                                + " ClientSecurity.insecure(), for trials only",
                        status);
            }
            if (message.contains("First received frame was not SETTINGS")) {
                return firstOnly(
                        hasJoined,
                        Reason.SECURITY,
                        "what listens at " + server + " does not speak gRPC without TLS: check host and port; if it"
                                + " wants TLS, give this client certificates or a token",
                        status);
            }
            if (cause instanceof CertificateException || isCertificateAlert(cause, message)) {
                return firstOnly(
                        hasJoined,
                        Reason.SECURITY,
                        "TLS with the server at " + server + " fails: " + plain(rootMessage(cause))
                                + ". Check that this client trusts the authority that issued the server's certificate,"
                                + " that the certificate names the host connected to, and that this site's own"
                                + " certificate is valid and comes from an authority that the server trusts",
                        status);
            }
        }
        return Optional.empty();
    }

    /** What the other side's TLS says of certificates; a handshake that was cut off is none of these. */
    private static boolean isCertificateAlert(Throwable cause, String message) {
        String text = message.toLowerCase(Locale.ROOT);
        return cause instanceof SSLException
                && (text.contains("certificate") || text.contains("unknown_ca") || text.contains("unknown ca"));
    }

    private static Optional<TransportException> firstOnly(
            boolean hasJoined, Reason reason, String message, Status status) {
        return hasJoined
                ? Optional.empty()
                : Optional.of(new TransportException(reason, message, status.asRuntimeException()));
    }

    /** A status in a few words, for logs. */
    static String describe(Status status) {
        String text = Optional.ofNullable(status.getDescription())
                .orElse(status.getCode().name());
        return plain(status.getCause() == null ? text : text + ": " + rootMessage(status.getCause()));
    }

    private static String rootMessage(Throwable error) {
        Throwable root = error;
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            root = cause.getMessage() == null ? root : cause;
        }
        return Optional.ofNullable(root.getMessage()).orElse(root.getClass().getName());
    }

    /** What a peer says is shown on terminals: on one line, not too long, and no commands. */
    static String plain(String text) {
        return new ClientOutcome.Failed(text).reason();
    }
}
