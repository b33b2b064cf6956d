package io.fedlearn.files;

import com.fasterxml.jackson.core.JsonGenerator;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.formats.internal.run.JsonFields;
import io.fedlearn.formats.internal.run.SealedJson;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * The end of a ledger in a file beside it: two {@linkplain SealedJson sealed lines} of one length, written in turn, so that one
 * of them is whole whenever the process or the machine fails. The later one counts.
 */
final class LedgerHead {
    private static final int SLOT_BYTES = 256;
    private static final int SLOTS = 2;

    private LedgerHead() {}

    /** The end that the file holds; empty if it is not there, or holds none that is whole. */
    static Optional<AuditHead> read(Path path) throws IOException {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(path);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        Optional<AuditHead> latest = Optional.empty();
        for (int slot = 0; slot < SLOTS && (slot + 1) * SLOT_BYTES <= bytes.length; slot++) {
            Optional<AuditHead> head = decode(Arrays.copyOfRange(bytes, slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES));
            if (head.isPresent()
                    && (latest.isEmpty() || latest.get().sequence() < head.get().sequence())) {
                latest = head;
            }
        }
        return latest;
    }

    /**
     * Writes an end over the one before the last. It need not be synced: the ledger was, and an end that falls behind is
     * brought up from there.
     */
    static void write(Disk disk, RandomAccessFile file, Path path, AuditHead head) throws IOException {
        byte[] line = SealedJson.write(out -> members(out, head)).toLine();
        byte[] slot = new byte[SLOT_BYTES];
        Arrays.fill(slot, (byte) ' ');
        System.arraycopy(line, 0, slot, 0, line.length - 1);
        slot[SLOT_BYTES - 1] = '\n';
        disk.overwrite(file, path, head.sequence() % SLOTS * SLOT_BYTES, slot);
    }

    private static void members(JsonGenerator out, AuditHead head) throws IOException {
        out.writeNumberField("sequence", head.sequence());
        out.writeStringField("hash", head.hash());
    }

    private static Optional<AuditHead> decode(byte[] slot) {
        String text = new String(slot, StandardCharsets.ISO_8859_1).stripTrailing();
        try {
            JsonFields fields =
                    SealedJson.of(text.getBytes(StandardCharsets.ISO_8859_1)).parse();
            return Optional.of(new AuditHead(fields.integer("sequence"), fields.text("hash")));
        } catch (DamagedException e) {
            return Optional.empty(); // never written, or being written when the process ended
        }
    }
}
