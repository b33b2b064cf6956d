package io.fedlearn.files;

import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.formats.internal.run.NewerSchemaException;
import io.fedlearn.formats.internal.run.RecordJson;
import io.fedlearn.formats.internal.run.SealedJson;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One pass over a run's directory: finds the newest whole checkpoint first, and changes something only then. Confined to the
 * store that has the directory locked.
 */
final class RunRecovery {
    private static final String DAMAGED = ".damaged";

    /** What a directory turned out to hold. */
    record Recovered(
            RunHeader header,
            SealedJson sealedHeader,
            Journal journal,
            Checkpoint latest,
            List<RecordJson.Line> lines,
            List<String> notices) {}

    private final Path directory;
    private final Path rounds;
    private final Path records;
    private final Disk disk;
    private final long maxHeapModelBytes;
    private final List<String> notices = new ArrayList<>();
    private final NavigableMap<Integer, String> damaged = new TreeMap<>();
    private Optional<History.Salvage> salvage = Optional.empty();
    private Journal.Found found = new Journal.Found(Map.of(), List.of(), Map.of());

    RunRecovery(Path directory, Disk disk, long maxHeapModelBytes) {
        this.directory = directory;
        this.rounds = directory.resolve(FileRunStore.ROUNDS);
        this.records = directory.resolve(FileRunStore.RECORDS);
        this.disk = disk;
        this.maxHeapModelBytes = maxHeapModelBytes;
    }

    /** What there is, put right; empty if there is no run. */
    Optional<Recovered> run() throws IOException {
        if (!Files.isDirectory(rounds)) {
            if (Files.exists(directory.resolve(FileRunStore.RUN))) {
                throw noneWhole(List.of(rounds + " is missing"));
            }
            return Optional.empty();
        }
        List<Integer> present = presentRounds();
        if (present.isEmpty() && !Files.exists(directory.resolve(FileRunStore.RUN))) {
            return Optional.empty();
        }
        Optional<SealedJson> wholeHeader = wholeHeader();
        if (wholeHeader.isEmpty()
                && !Files.exists(directory.resolve(FileRunStore.RUN))
                && (present.equals(List.of(0)) || Files.exists(directory.resolve(FileRunStore.ADOPTING)))) {
            return Optional.empty(); // a run whose creation or adoption was cut short
        }
        SealedJson sealed = wholeHeader.orElseThrow(() -> new RunStoreException(directory.resolve(FileRunStore.RUN)
                + " is missing or damaged, and nothing is left to restore it from"));
        RunHeader header = header(sealed);
        if (Files.exists(records)) {
            found = Journal.read(records, false);
        }
        Checkpoint latest = newestWhole(present, header);
        setDamagedAside();
        Journal journal = mendedJournal(latest.round());
        List<RecordJson.Line> lines = new ArrayList<>();
        for (int round = 1; round <= latest.round(); round++) {
            lines.add(line(round).orElseThrow());
        }
        return Optional.of(new Recovered(header, sealed, journal, latest, lines, notices));
    }

    private Path folder(int round) {
        return FileRunStore.folder(rounds, round);
    }

    private RunStoreException noneWhole(List<String> reasons) {
        return new RunStoreException(
                "no checkpoint of the run in " + directory + " is whole: " + String.join("; ", reasons));
    }

    private List<Integer> presentRounds() throws IOException {
        List<Integer> present = new ArrayList<>();
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(rounds)) {
            for (Path path : paths) {
                String name = path.getFileName().toString();
                if (FileRunStore.ROUND_NAME.matcher(name).matches() && Long.parseLong(name) <= Integer.MAX_VALUE) {
                    int round = Integer.parseInt(name);
                    if (folder(round).equals(path)) {
                        present.add(round);
                    }
                }
            }
        }
        present.sort(Collections.reverseOrder());
        return present;
    }

    /** The header as it was written, restored from the history if need be. */
    private Optional<SealedJson> wholeHeader() throws IOException {
        Path file = directory.resolve(FileRunStore.RUN);
        String what = "is missing";
        try {
            SealedJson sealed = SealedJson.ofFile(Files.readAllBytes(file));
            return Optional.of(sealed);
        } catch (NoSuchFileException e) {
            // to be restored
        } catch (DamagedException e) {
            what = e.getMessage();
        }
        Optional<SealedJson> restored = salvage().header();
        if (restored.isPresent()) {
            disk.replace(file, Disk.Content.of(restored.get().toLine()));
            notices.add(file + " " + what + "; it was restored from " + FileRunStore.HISTORY);
        }
        return restored;
    }

    private RunHeader header(SealedJson sealed) {
        Path file = directory.resolve(FileRunStore.RUN);
        try {
            NewerSchemaException.requireKnown(sealed.parse(), RecordJson.RUN_SCHEMA, file.toString());
            return RecordJson.readHeader(sealed);
        } catch (NewerSchemaException e) {
            throw new RunStoreException(String.valueOf(e.getMessage()), e);
        } catch (DamagedException e) {
            throw new RunStoreException(file + " " + e.getMessage(), e);
        }
    }

    private History.Salvage salvage() throws IOException {
        if (salvage.isEmpty()) {
            Path file = directory.resolve(FileRunStore.HISTORY);
            salvage = Optional.of(
                    Files.exists(file) ? History.salvage(file) : new History.Salvage(Optional.empty(), Map.of()));
        }
        return salvage.get();
    }

    private Optional<RecordJson.Line> line(int round) throws IOException {
        RecordJson.Line line = found.lines().get(round);
        if (line != null) {
            return Optional.of(line);
        }
        SealedJson salvaged = salvage().lines().get(round);
        if (salvaged == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(RecordJson.readLine(salvaged));
        } catch (DamagedException e) {
            throw new IllegalStateException("what was salvaged must be whole", e);
        }
    }

    private Checkpoint newestWhole(List<Integer> present, RunHeader header) throws IOException {
        for (int round : present) {
            try {
                return checkpoint(round, header);
            } catch (DamagedException e) {
                damaged.put(round, String.valueOf(e.getMessage()));
            } catch (NewerSchemaException e) {
                throw new RunStoreException(String.valueOf(e.getMessage()), e);
            }
        }
        List<String> reasons = new ArrayList<>();
        damaged.descendingMap().forEach((round, reason) -> reasons.add(folder(round) + ": " + reason));
        throw noneWhole(reasons.isEmpty() ? List.of(rounds + " holds none") : reasons);
    }

    private Checkpoint checkpoint(int round, RunHeader header)
            throws IOException, DamagedException, NewerSchemaException {
        Path folder = folder(round);
        CheckpointFolder.Manifest manifest = CheckpointFolder.readManifest(folder, round, header.runId());
        for (int before = 1; before <= round; before++) {
            if (line(before).isEmpty()) {
                throw new DamagedException("the record of round " + before + " is missing or damaged in " + records);
            }
        }
        if (round == 0) {
            return CheckpointFolder.read(folder, manifest, Optional.empty(), maxHeapModelBytes);
        }
        RecordJson.Line line = line(round).orElseThrow();
        if (!manifest.recordSha256().equals(Optional.of(line.sha256()))
                || !manifest.modelDigest().equals(line.record().modelDigest())) {
            throw new DamagedException("the record of round " + round + " in " + records
                    + " is not the one that belongs to this checkpoint");
        }
        return CheckpointFolder.read(folder, manifest, Optional.of(line.record()), maxHeapModelBytes);
    }

    private void setDamagedAside() throws IOException {
        for (Map.Entry<Integer, String> entry : damaged.entrySet()) {
            Path folder = folder(entry.getKey());
            Path aside = folder.resolveSibling(folder.getFileName() + DAMAGED);
            for (int i = 2; Files.exists(aside, LinkOption.NOFOLLOW_LINKS); i++) {
                aside = folder.resolveSibling(folder.getFileName() + DAMAGED + "-" + i);
            }
            disk.rename(folder, aside);
            notices.add("the checkpoint of round " + entry.getKey() + " in " + folder
                    + " is damaged, the one before is used: " + entry.getValue() + "; it was set aside as "
                    + aside.getFileName());
        }
        if (!damaged.isEmpty()) {
            disk.syncDirectory(rounds);
        }
    }

    private Journal mendedJournal(int latest) throws IOException {
        Optional<Long> end = found.endOf(latest);
        if (end.isEmpty() || !Files.exists(records)) {
            Map<Integer, SealedJson> sealed =
                    Files.exists(records) ? Journal.read(records, true).sealed() : Map.of();
            Map<Integer, SealedJson> salvaged =
                    latest == 0 ? Map.of() : salvage().lines();
            long length = 0;
            List<byte[]> lines = new ArrayList<>();
            for (int round = 1; round <= latest; round++) {
                int number = round;
                SealedJson line = Optional.ofNullable(sealed.get(round))
                        .orElseGet(() -> Objects.requireNonNull(salvaged.get(number)));
                lines.add(line.toLine());
                length += line.toLine().length;
            }
            disk.replace(records, out -> {
                for (byte[] line : lines) {
                    Disk.Content.of(line).writeTo(out);
                }
            });
            notices.add(records + " was damaged; it was mended from " + FileRunStore.HISTORY);
            end = Optional.of(length);
        }
        return Journal.open(disk, records, end.orElseThrow());
    }
}
