package io.fedlearn.formats.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.task.Config;
import io.fedlearn.formats.FormatException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AuditRecordTest {
    private static final AuditEvent STARTED = new AuditEvent(
            Instant.parse("2025-03-01T10:15:30.5Z"), "run-started", Config.of(Map.of("seed", 7, "mu", 0.5)));
    private static final AuditEvent COMMITTED =
            new AuditEvent(Instant.parse("2025-03-01T10:16:00Z"), "round-committed", Config.of(Map.of("round", 1)));

    private static String sha256(String previous, String content) throws NoSuchAlgorithmException {
        MessageDigest sha = MessageDigest.getInstance("SHA-256");
        sha.update(HexFormat.of().parseHex(previous));
        return HexFormat.of().formatHex(sha.digest(content.getBytes(StandardCharsets.UTF_8)));
    }

    private static String text(AuditRecord record) {
        return new String(record.encode(), StandardCharsets.UTF_8);
    }

    private static AuditRecord decode(String text) {
        return AuditRecord.decode(text.getBytes(StandardCharsets.UTF_8), "line 1");
    }

    @Test
    void isChainedToTheOneBefore() throws NoSuchAlgorithmException {
        AuditRecord first = AuditRecord.next(AuditHead.empty(), STARTED);
        AuditRecord second = AuditRecord.next(first.head(), COMMITTED);
        String firstHash = sha256(
                "",
                "{\"at\":\"2025-03-01T10:15:30.500Z\",\"fields\":{\"mu\":0.5,\"seed\":7},\"previous\":\"\","
                        + "\"sequence\":1,"
                        + "\"type\":\"run-started\",\"version\":1}");
        String secondHash = sha256(
                firstHash,
                "{\"at\":\"2025-03-01T10:16:00Z\",\"fields\":{\"round\":1},\"previous\":\"" + firstHash
                        + "\",\"sequence\":2," + "\"type\":\"round-committed\",\"version\":1}");
        assertThat(first.head()).isEqualTo(new AuditHead(1, firstHash));
        assertThat(text(second))
                .isEqualTo("{\"at\":\"2025-03-01T10:16:00Z\",\"fields\":{\"round\":1},\"hash\":\"" + secondHash
                        + "\",\"previous\":\"" + firstHash
                        + "\",\"sequence\":2,\"type\":\"round-committed\",\"version\":1}");
        assertThat(first.follows(AuditHead.empty())).isTrue();
        assertThat(second.follows(first.head())).isTrue();
        assertThat(second.follows(AuditHead.empty())).isFalse();
        assertThat(second.follows(new AuditHead(1, secondHash))).isFalse();
    }

    @Test
    void isReadAsItWasWritten() {
        Config odd = Config.of(Map.of(
                "large",
                Long.MAX_VALUE,
                "exact",
                (1L << 53) - 1,
                "real",
                2.0,
                "huge",
                0x1p60,
                "text",
                "\ud800\u00e4\n",
                "flag",
                true));
        AuditRecord record =
                AuditRecord.next(AuditHead.empty(), new AuditEvent(Instant.EPOCH.plusNanos(1), "odd", odd));
        assertThat(record.fields())
                .isEqualTo(Config.of(Map.of(
                        "large",
                        Long.toString(Long.MAX_VALUE),
                        "exact",
                        (1L << 53) - 1,
                        "real",
                        2L,
                        "huge",
                        0x1p60,
                        "text",
                        "\ufffd\u00e4\n",
                        "flag",
                        true)));
        assertThat(decode(text(record))).isEqualTo(record);
    }

    @Test
    void refusesWhatIsNotARecord() throws NoSuchAlgorithmException {
        String good = text(AuditRecord.next(AuditHead.empty(), STARTED));
        assertThat(decode(good).sequence()).isEqualTo(1);
        for (String bad : List.of(
                "",
                "{}",
                "[]",
                good.replace("\"mu\":0.5", "\"mu\":0.6"),
                good.replace("\"mu\":0.5", "\"mu\":0.50"),
                good.replace("\"mu\"", "\"\\u006du\""),
                good.replace(",", ", "),
                good.replace("\"mu\":0.5", "\"mu\":[0.5]"),
                good.replace("\"sequence\":1", "\"sequence\":0"),
                good.replace("\"sequence\":1", "\"sequence\":2"),
                good.replace("\"sequence\":1", "\"sequence\":\"1\""),
                good.replace("\"version\":1", "\"version\":2"),
                good.replace("run-started", ""),
                good.replace("30.500Z", "30.5Z"),
                good.replace("2025-03-01T", "yesterday "),
                good.replace("\"hash\":\"", "\"hash\":\"0"),
                good.substring(0, good.length() - 1) + ",\"x\":1}",
                good + "\n")) {
            assertThatThrownBy(() -> decode(bad))
                    .as(bad)
                    .isInstanceOf(FormatException.class)
                    .hasMessageStartingWith("line 1: ");
        }
        // Even with a hash that fits, a member more is refused.
        String content = "{\"at\":\"2025-03-01T10:16:00Z\",\"fields\":{},\"more\":1,\"previous\":\"\",\"sequence\":1,"
                + "\"type\":\"a\",\"version\":1}";
        String more = content.replace("\"more\"", "\"hash\":\"" + sha256("", content) + "\",\"more\"");
        assertThatThrownBy(() -> decode(more)).isInstanceOf(FormatException.class);
        String without = content.replace("\"more\":1,", "");
        assertThat(decode(without.replace("\"previous\"", "\"hash\":\"" + sha256("", without) + "\",\"previous\""))
                        .type())
                .isEqualTo("a");
    }

    @Test
    void rejectsPartsOutOfRange() {
        String hash = "0".repeat(64);
        Config none = Config.empty();
        assertThatIllegalArgumentException().isThrownBy(() -> new AuditRecord(0, Instant.EPOCH, "a", none, "", hash));
        assertThatIllegalArgumentException().isThrownBy(() -> new AuditRecord(1, Instant.EPOCH, "", none, "", hash));
        assertThatIllegalArgumentException().isThrownBy(() -> new AuditRecord(1, Instant.EPOCH, "a", none, hash, hash));
        assertThatIllegalArgumentException().isThrownBy(() -> new AuditRecord(2, Instant.EPOCH, "a", none, "", hash));
        assertThatIllegalArgumentException().isThrownBy(() -> new AuditRecord(1, Instant.EPOCH, "a", none, "", "0g"));
    }
}
