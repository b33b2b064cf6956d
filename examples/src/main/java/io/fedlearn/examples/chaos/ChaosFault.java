package io.fedlearn.examples.chaos;

import io.fedlearn.testkit.network.Direction;
import io.fedlearn.testkit.network.NetworkFault;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/**
 * Something that befalls a federation.
 *
 * @param pause the time since the fault before has ended
 * @param target the number of the client or the client process; nothing for the server
 * @param kind what befalls it
 * @param network of the client's network, if it is that
 * @param lasting for how long, if it lasts
 * @param bytes after so many of which a connection is cut, if it is
 */
record ChaosFault(
        Duration pause, int target, Kind kind, Optional<NetworkFault.Kind> network, Duration lasting, long bytes) {
    /** Where it happens. */
    enum Kind {
        /** The connection of a client misbehaves. */
        NETWORK,
        /** The connection of a client is reset after so many bytes to the server. */
        CUT_UPLOAD,
        /** The connection of a client is reset after so many bytes from the server. */
        CUT_DOWNLOAD,
        /** A process of clients is killed and started again. */
        KILL_CLIENTS,
        /** The server is killed and started again from its run store. */
        KILL_SERVER
    }

    /** In which direction bytes are counted until the cut. */
    Direction direction() {
        return kind == Kind.CUT_UPLOAD ? Direction.TO_SERVER : Direction.TO_CLIENT;
    }

    /** The word of it, for tables. */
    String word() {
        return network.map(NetworkFault.Kind::name)
                .orElse(kind.name())
                .toLowerCase(Locale.ROOT)
                .replace('_', '-');
    }

    @Override
    public String toString() {
        return "+" + pause.toMillis() + " ms " + word() + (kind == Kind.KILL_SERVER ? "" : " " + target)
                + (lasting.isZero() ? "" : " for " + lasting.toMillis() + " ms")
                + (bytes == 0 ? "" : " after " + bytes + " bytes");
    }
}
