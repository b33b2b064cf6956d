package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.task.Config;
import io.fedlearn.files.AuditVerifier;
import io.fedlearn.files.FileAuditLog;
import io.fedlearn.formats.audit.AuditReport;
import io.fedlearn.formats.audit.AuditSigner;
import io.fedlearn.formats.audit.AuditTrust;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/audit.md shows of files. */
final class AuditTest {
    @TempDir
    private Path folder;

    private static void write(Path file, String type, byte[] content) throws Exception {
        String base64 = Base64.getEncoder().encodeToString(content);
        Files.writeString(file, "-----BEGIN " + type + "-----\n" + base64 + "\n-----END " + type + "-----\n");
    }

    @Test
    void signs() throws Exception {
        KeyPair keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        Path privateKey = folder.resolve("audit-key.pem");
        Path publicKey = folder.resolve("audit.pem");
        Path file = folder.resolve("audit.jsonl");
        write(privateKey, "PRIVATE KEY", keys.getPrivate().getEncoded());
        write(publicKey, "PUBLIC KEY", keys.getPublic().getEncoded());
        AuditHead kept;
        // tag::sign[]
        AuditSigner signer = AuditSigner.read(privateKey);
        try (FileAuditLog log = FileAuditLog.at(file, signer)) {
            kept = log.append(new AuditEvent(Instant.now(), "model-released", Config.of(Map.of("version", 3))));
        }
        // end::sign[]
        // tag::trust[]
        AuditTrust trust = AuditTrust.read(List.of(publicKey)).requiringSignatures();
        AuditReport report = AuditVerifier.verify(file, kept, trust);
        System.out.println(report.isWhole() ? "signed by " + report.signatures().keySet() : report.toString());
        // end::trust[]
        assertThat(report.isWhole()).isTrue();
        assertThat(report.signatures()).isEqualTo(Map.of(signer.keyId(), 1L));
    }
}
