package io.fedlearn.grpc.internal.netty;

import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.TransportException.Reason;
import io.fedlearn.grpc.security.ClientSecurity;
import io.grpc.Status;
import io.grpc.netty.shaded.io.netty.handler.ssl.NotSslRecordException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.security.cert.CertificateException;
import java.util.Locale;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Why a call to a server failed, in words that name what to change.
 *
 * @param reason the kind of failure
 * @param isLasting whether trying again is in vain until somebody changes something
 * @param message the words
 */
public record ConnectionTrouble(Reason reason, boolean isLasting, String message) {
    /** What this failure of a call to the server at {@code host:port} means. */
    public static ConnectionTrouble of(String host, int port, ClientSecurity security, Throwable failure) {
        String server = "the server at " + host + ":" + port;
        if (find(failure, UnknownHostException.class) != null) {
            return new ConnectionTrouble(Reason.UNREACHABLE, false, "there is no host " + host);
        }
        if (find(failure, ConnectException.class) != null) {
            return new ConnectionTrouble(
                    Reason.UNREACHABLE, false, "nobody listens at " + host + ":" + port + ", or a firewall is between");
        }
        if (find(failure, NotSslRecordException.class) != null) {
            return new ConnectionTrouble(
                    Reason.SECURITY,
                    true,
                    server + " speaks no TLS, but this client does: it is insecure, or another service listens there");
        }
        CertificateException certificate = find(failure, CertificateException.class);
        if (certificate != null) {
            return new ConnectionTrouble(
                    Reason.SECURITY,
                    true,
                    server + " is not trusted: " + untrusted(host, String.valueOf(certificate.getMessage())));
        }
        SSLException tls = find(failure, SSLException.class);
        if (tls != null) {
            return ofTls(server, security, String.valueOf(tls.getMessage()));
        }
        Status status = Status.fromThrowable(failure);
        String description = String.valueOf(status.getDescription());
        if (description.contains(FirstBytes.TLS_IS_SPOKEN)) {
            return new ConnectionTrouble(
                    Reason.SECURITY,
                    true,
                    server
                            + " speaks TLS, but this client does not: give it the server's authority rather than insecure");
        }
        return switch (status.getCode()) {
            case UNAUTHENTICATED, PERMISSION_DENIED ->
                new ConnectionTrouble(Reason.REFUSED, true, server + " refused this client: " + description);
            case UNIMPLEMENTED ->
                new ConnectionTrouble(
                        Reason.PROTOCOL,
                        true,
                        server + " serves another protocol, or another service listens there: " + description);
            case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED ->
                new ConnectionTrouble(
                        Reason.UNREACHABLE,
                        false,
                        "the connection to " + server + " was lost: " + firstLine(description));
            default ->
                new ConnectionTrouble(
                        Reason.PROTOCOL,
                        false,
                        server + " answered " + status.getCode() + ": " + firstLine(description));
        };
    }

    /** The failure as an exception of this library. */
    public TransportException toException(Throwable cause) {
        return new TransportException(reason, message, cause);
    }

    private static <T extends Throwable> @Nullable T find(Throwable failure, Class<T> type) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return type.cast(cause);
            }
        }
        return null;
    }

    private static ConnectionTrouble ofTls(String server, ClientSecurity security, String message) {
        String alert = message.toLowerCase(Locale.ROOT);
        if (alert.contains("certificate_required") || (alert.contains("certificate") && isWithoutKey(security))) {
            return new ConnectionTrouble(
                    Reason.SECURITY,
                    true,
                    isWithoutKey(security)
                            ? server + " asks for a client's certificate, but this client has none to show"
                            : server
                                    + " got no certificate from this client that it could use: another kind of key is wanted");
        }
        String why = alert.contains("revoked")
                ? "was revoked"
                : alert.contains("expired")
                        ? "has expired"
                        : alert.contains("certificate")
                                        || alert.contains("unknown_ca")
                                        || alert.contains("internal_error")
                                ? "is not accepted: it comes from another authority, or does not name a client;"
                                        + " the server's log says which"
                                : "";
        return why.isEmpty() || isWithoutKey(security)
                ? new ConnectionTrouble(Reason.SECURITY, false, "TLS with " + server + " failed: " + firstLine(message))
                : new ConnectionTrouble(Reason.SECURITY, true, server + " refused this client: its certificate " + why);
    }

    private static boolean isWithoutKey(ClientSecurity security) {
        return security.mode() != ClientSecurity.Mode.MUTUAL_TLS;
    }

    private static String untrusted(String host, String message) {
        return message.contains("No subject alternative") || message.contains("No name matching")
                ? "its certificate does not name the host " + host + " (" + message + ")"
                : message;
    }

    private static String firstLine(String text) {
        return text.lines().findFirst().orElse("");
    }
}
