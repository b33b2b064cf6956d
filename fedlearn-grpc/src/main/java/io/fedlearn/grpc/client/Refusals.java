package io.fedlearn.grpc.client;

import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.TransportException.Reason;
import io.fedlearn.grpc.internal.netty.ConnectionTrouble;
import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.security.ClientSecurity;
import io.grpc.Status;
import java.util.Optional;

/** Tells what is refused for good from what may go better another time, and says it in words that a site's staff can act on. */
final class Refusals {
    /** From this code on a client comes back. */
    private static final int FIRST_TEMPORARY = 20;

    private final String host;
    private final int port;
    private final ClientSecurity security;
    private final String server;
    private final String clientId;

    /** Words about this server and client. */
    Refusals(String host, int port, ClientSecurity security, String clientId) {
        this.host = host;
        this.port = port;
        this.security = security;
        this.server = host + ":" + port;
        this.clientId = clientId;
    }

    /** Host and port. */
    String server() {
        return server;
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
            case GOODBYE_CODE_NOT_ADMITTED ->
                new TransportException(
                        Reason.REFUSED,
                        "the server at " + server + " does not admit '" + clientId + "' to its run" + says);
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
     * @param hasJoined whether the client has been with this server before: then certificates, host and port were right, and are
     *     perhaps just being replaced
     */
    Optional<TransportException> of(Status status, boolean hasJoined) {
        ConnectionTrouble trouble = trouble(status);
        boolean isRefused = trouble.reason() == Reason.REFUSED;
        if (!trouble.isLasting() || (hasJoined && !isRefused)) {
            return Optional.empty();
        }
        String advice = switch (trouble.reason()) {
            case REFUSED ->
                "; check this site's certificate or token, and ask who runs the server whether '" + clientId
                        + "' is admitted";
            case PROTOCOL -> "; check host and port: a server of Flower needs FlowerClient";
            default -> "; check host and port, this site's certificates, and ask who runs the server for its authority";
        };
        return Optional.of(new TransportException(
                trouble.reason(), plain(trouble.message()) + advice, status.asRuntimeException()));
    }

    /** Why a connection ended, in a few words, for logs. */
    String describe(Status status) {
        return plain(trouble(status).message());
    }

    private ConnectionTrouble trouble(Status status) {
        return ConnectionTrouble.of(host, port, security, status.asRuntimeException());
    }

    /** What a peer says is shown on terminals: on one line, not too long, and no commands. */
    static String plain(String text) {
        return new ClientOutcome.Failed(text).reason();
    }
}
