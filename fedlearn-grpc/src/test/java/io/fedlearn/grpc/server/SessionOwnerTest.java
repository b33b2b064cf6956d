package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.fedlearn.grpc.internal.netty.ConnectionLimits;
import io.fedlearn.grpc.internal.netty.GrpcChannels;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.grpc.security.TestAuthority;
import io.fedlearn.grpc.security.TestAuthority.Identity;
import io.fedlearn.grpc.security.TokenFile;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A session is good for the client alone that has joined with it, whoever else has come to know its name. */
class SessionOwnerTest {
    private static final Metadata.Key<byte[]> SESSION =
            Metadata.Key.of("fedlearn-session-bin", Metadata.BINARY_BYTE_MARSHALLER);
    private static final MethodDescriptor.Marshaller<byte[]> NOTHING = new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            return new byte[0];
        }
    };

    @TempDir
    private Path folder;

    private TestAuthority authority;
    private Identity identity;

    @BeforeEach
    void foundAuthority() throws Exception {
        authority = TestAuthority.in(folder, "ours");
        identity = authority.server();
    }

    @Test
    void anotherCertificateGetsNothingByASession() throws Exception {
        ServerSecurity security =
                ServerSecurity.mutualTls(identity.certificateFile(), identity.keyFile(), authority.authorityFile());

        assertThatSessionServesItsOwnerOnly(security, withCertificate("a"), withCertificate("b"));
    }

    @Test
    void anotherTokenGetsNothingByASession() throws Exception {
        Path tokens = Files.writeString(
                folder.resolve("tokens"), TokenFile.line("a", "token-a") + "\n" + TokenFile.line("b", "token-b"));
        ServerSecurity security =
                ServerSecurity.tokens(identity.certificateFile(), identity.keyFile(), TokenFile.at(tokens));
        ClientSecurity tls = ClientSecurity.tls(authority.authorityFile());

        assertThatSessionServesItsOwnerOnly(security, tls.withToken("token-a"), tls.withToken("token-b"));
    }

    private ClientSecurity withCertificate(String id) throws Exception {
        Identity client = authority.client(id);
        return ClientSecurity.mutualTls(client.certificateFile(), client.keyFile(), authority.authorityFile());
    }

    private static void assertThatSessionServesItsOwnerOnly(
            ServerSecurity security, ClientSecurity owner, ClientSecurity other) throws Exception {
        try (FederatedServer server = Sites.newServer().security(security).start();
                RawPeer a = peer(server, owner);
                RawPeer b = peer(server, other)) {
            ByteString session = join(a, "a");
            join(b, "b");

            for (String method : new String[] {"Download", "Upload"}) {
                assertThat(end(a, method, session)).isNotEqualTo(Status.Code.UNAUTHENTICATED);
                assertThat(end(b, method, session)).isEqualTo(Status.Code.UNAUTHENTICATED);
            }
        }
    }

    private static RawPeer peer(FederatedServer server, ClientSecurity security) {
        return new RawPeer(
                GrpcChannels.open("localhost", server.address().getPort(), security, ConnectionLimits.DEFAULTS));
    }

    private static ByteString join(RawPeer peer, String id) throws InterruptedException {
        peer.send(ClientMessage.newBuilder().setHello(RawPeer.hello(id)).build());
        return peer.next().getWelcome().getSession();
    }

    /** How a call ends that sends an empty message, if the session lets it get so far. */
    private static Status.Code end(RawPeer peer, String method, ByteString session) throws Exception {
        ClientCall<byte[], byte[]> call = peer.channel()
                .newCall(
                        MethodDescriptor.newBuilder(NOTHING, NOTHING)
                                .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
                                .setFullMethodName("fedlearn.v1.Federation/" + method)
                                .build(),
                        CallOptions.DEFAULT);
        CompletableFuture<Status.Code> end = new CompletableFuture<>();
        Metadata headers = new Metadata();
        headers.put(SESSION, session.toByteArray());
        call.start(
                new ClientCall.Listener<>() {
                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        end.complete(status.getCode());
                    }
                },
                headers);
        call.request(2);
        call.sendMessage(new byte[0]);
        call.halfClose();
        return end.get(20, TimeUnit.SECONDS);
    }
}
