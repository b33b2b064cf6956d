package io.fedlearn.formats.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.task.Config;
import io.fedlearn.formats.FormatException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditSigningTest {
    // RFC 8032, 7.1, test 1.
    private static final String PRIVATE = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
    private static final String PUBLIC = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    private static final List<AuditEvent> EVENTS = List.of(
            new AuditEvent(
                    Instant.parse("2025-03-01T10:15:30.5Z"), "run-started", Config.of(Map.of("seed", 7, "mu", 0.5))),
            new AuditEvent(Instant.parse("2025-03-01T10:16:00Z"), "round-committed", Config.of(Map.of("round", 1))),
            new AuditEvent(
                    Instant.parse("2025-03-01T10:16:01Z"),
                    "client-declined",
                    Config.of(Map.of("round", 2, "client", "Z\u00fcrich \ud83d\ude00 \"x\"\n"))));

    @TempDir
    private Path folder;

    private Path pem(String type, String content) throws IOException {
        Path file = folder.resolve(type.replace(' ', '-') + content.hashCode() + ".pem");
        return Files.writeString(file, "-----BEGIN " + type + "-----\n" + content + "\n-----END " + type + "-----\n");
    }

    private AuditSigner signer() throws IOException {
        return AuditSigner.read(pem("PRIVATE KEY", PRIVATE));
    }

    private AuditTrust trust() throws IOException {
        return AuditTrust.read(List.of(pem("PUBLIC KEY", PUBLIC)));
    }

    private static AuditSigner stranger() throws NoSuchAlgorithmException {
        return AuditSigner.of(
                KeyPairGenerator.getInstance("Ed25519").generateKeyPair().getPrivate());
    }

    private static List<byte[]> golden(String name) throws IOException {
        try (InputStream in = Objects.requireNonNull(AuditSigningTest.class.getResourceAsStream(name))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(line -> line.getBytes(StandardCharsets.UTF_8))
                    .toList();
        }
    }

    /** Adds the records until one does not hold. */
    private static AuditReport verify(List<byte[]> records, AuditTrust trust) {
        AuditChain chain = AuditChain.of(AuditHead.empty(), trust);
        for (byte[] record : records) {
            Optional<String> problem = chain.add(record);
            if (problem.isPresent()) {
                return chain.broken(problem.get());
            }
        }
        return chain.end();
    }

    private static String firstBreak(AuditReport report) {
        AuditReport.Break broken = report.firstBreak().orElseThrow();
        return broken.line() + ": " + broken.reason();
    }

    @Test
    void writesAndReadsTheBytesOfAnIndependentImplementation() throws IOException {
        AuditSigner signer = signer();
        for (boolean signs : new boolean[] {false, true}) {
            List<byte[]> golden = golden(signs ? "signed.jsonl" : "plain.jsonl");
            assertThat(golden).hasSameSizeAs(EVENTS);
            AuditHead end = AuditHead.empty();
            for (int i = 0; i < EVENTS.size(); i++) {
                AuditEvent event = EVENTS.get(i);
                AuditRecord record = signs ? AuditRecord.next(end, event, signer) : AuditRecord.next(end, event);
                assertThat(record.encode()).isEqualTo(golden.get(i));
                assertThat(AuditRecord.decode(golden.get(i), "line")).isEqualTo(record);
                assertThat(record.signature().isPresent()).isEqualTo(signs);
                end = record.head();
            }
        }
        assertThat(signer.keyId()).isEqualTo("06e3fd8fda29bb60");
        AuditReport report = verify(golden("signed.jsonl"), trust().requiringSignatures());
        assertThat(report.isWhole()).isTrue();
        assertThat(report.signatures()).isEqualTo(Map.of("06e3fd8fda29bb60", 3L));
    }

    @Test
    void takesNoSignatureButThatOfAKnownKey() throws Exception {
        AuditRecord first = AuditRecord.next(AuditHead.empty(), EVENTS.get(0), signer());
        AuditRecord second = AuditRecord.next(first.head(), EVENTS.get(1), stranger());
        List<byte[]> records = List.of(first.encode(), second.encode());

        assertThat(verify(records, AuditTrust.none()).isWhole()).isTrue();
        assertThat(firstBreak(verify(records, trust())))
                .startsWith("2: is signed by key ")
                .endsWith("which is not among the keys that are known");
        assertThat(verify(records, trust()).signatures()).isEqualTo(Map.of("06e3fd8fda29bb60", 1L));
    }

    @Test
    void noticesARecordThatWasChangedAndChainedAnewWithoutTheKey() throws IOException {
        AuditRecord first = AuditRecord.next(AuditHead.empty(), EVENTS.get(0), signer());
        // Who can write to the log, but has no key, keeps the signature and computes the hash.
        AuditRecord forged = AuditRecord.next(AuditHead.empty(), EVENTS.get(1), signer());
        String text = new String(forged.encode(), StandardCharsets.UTF_8)
                .replace(value(forged), value(first))
                .replace("\"hash\":\"" + forged.hash() + "\",", "");
        byte[] content = text.getBytes(StandardCharsets.UTF_8);
        String hash = sha256(content);
        byte[] record =
                text.replace("\"keyId\"", "\"hash\":\"" + hash + "\",\"keyId\"").getBytes(StandardCharsets.UTF_8);

        assertThat(verify(List.of(record), AuditTrust.none()).isWhole()).isTrue();
        assertThat(firstBreak(verify(List.of(record), trust())))
                .isEqualTo("1: its signature is not that of key 06e3fd8fda29bb60");
    }

    private static String value(AuditRecord record) {
        return record.signature().orElseThrow().value();
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void letsARecordWithoutSignaturePassUnlessOneIsRequired() throws IOException {
        List<byte[]> records = new ArrayList<>();
        AuditHead end = AuditHead.empty();
        for (int i = 0; i < 4; i++) {
            AuditRecord record =
                    i < 2 ? AuditRecord.next(end, EVENTS.get(0)) : AuditRecord.next(end, EVENTS.get(0), signer());
            records.add(record.encode());
            end = record.head();
        }
        assertThat(verify(records, trust()).isWhole()).isTrue();
        assertThat(verify(records, trust().requiringSignaturesFrom(3)).isWhole())
                .isTrue();
        assertThat(firstBreak(verify(records, trust().requiringSignaturesFrom(2))))
                .isEqualTo("2: must be signed, is not");
        assertThat(firstBreak(verify(records, trust().requiringSignatures()))).isEqualTo("1: must be signed, is not");
        assertThatIllegalStateException().isThrownBy(() -> AuditTrust.none().requiringSignatures());
    }

    @Test
    void refusesARecordThatSaysItIsSignedInPart() throws IOException {
        String good = new String(
                AuditRecord.next(AuditHead.empty(), EVENTS.get(0), signer()).encode(), StandardCharsets.UTF_8);
        String signature =
                ",\"signature\":\"" + value(AuditRecord.decode(good.getBytes(StandardCharsets.UTF_8), "r")) + "\"";
        for (String bad : List.of(
                good.replace("\"version\":2", "\"version\":1"),
                good.replace("\"version\":2", "\"version\":3"),
                good.replace(signature, ""),
                good.replace("\"keyId\":\"06e3fd8fda29bb60\",", ""),
                good.replace("06e3fd8fda29bb60", "06E3FD8FDA29BB60"),
                good.replace("\"signature\":\"", "\"signature\":\"00"))) {
            assertThat(bad).isNotEqualTo(good);
            assertThatExceptionOfType(FormatException.class)
                    .as(bad)
                    .isThrownBy(() -> AuditRecord.decode(bad.getBytes(StandardCharsets.UTF_8), "line"));
        }
    }

    @Test
    void refusesKeysThatAreNotOfEd25519() throws Exception {
        KeyPair curve = KeyPairGenerator.getInstance("EC").generateKeyPair();
        KeyPair other = KeyPairGenerator.getInstance("Ed448").generateKeyPair();
        KeyPair one = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        KeyPair two = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AuditSigner.of(curve.getPrivate()))
                .withMessage("key must be of Ed25519, was of EC");
        assertThatIllegalArgumentException().isThrownBy(() -> AuditSigner.of(other.getPrivate()));
        assertThatIllegalArgumentException().isThrownBy(() -> AuditTrust.of(List.of(curve.getPublic())));
        assertThatIllegalArgumentException().isThrownBy(() -> AuditTrust.of(List.of()));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AuditSigner.of(one.getPrivate(), two.getPublic()))
                .withMessageContaining("halves of one pair");
        assertThat(AuditSigner.of(one.getPrivate()).publicKey()).isEqualTo(one.getPublic());
        assertThat(AuditSigner.of(one.getPrivate(), one.getPublic()))
                .hasToString("key " + AuditSigner.of(one.getPrivate()).keyId());
    }

    @Test
    void namesAFileThatHoldsNoKeyAndTellsNothingOfIt() throws IOException {
        for (Path file : List.of(
                pem("PUBLIC KEY", PUBLIC),
                pem("ENCRYPTED PRIVATE KEY", PRIVATE),
                pem("PRIVATE KEY", "MC4CAQ!!" + PRIVATE),
                pem("PRIVATE KEY", PUBLIC),
                Files.writeString(folder.resolve("text"), PRIVATE))) {
            assertThatExceptionOfType(FormatException.class)
                    .isThrownBy(() -> AuditSigner.read(file))
                    .withMessageStartingWith(file + ": must ")
                    .satisfies(e -> assertThat(e.getMessage()).doesNotContain("MC4"))
                    .withNoCause();
        }
        assertThatExceptionOfType(FormatException.class)
                .isThrownBy(() -> AuditTrust.read(List.of(pem("PRIVATE KEY", PRIVATE))))
                .withMessageContaining("must hold PUBLIC KEY in PEM, holds PRIVATE KEY");
        assertThatExceptionOfType(NoSuchFileException.class)
                .isThrownBy(() -> AuditSigner.read(folder.resolve("nowhere")));
    }
}
