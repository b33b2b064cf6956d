package io.fedlearn.luna16.patch;

import io.fedlearn.luna16.dataset.Scan;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** A process of its own that fills a cache, to be killed or to run out of disk. */
final class CachingChild implements AutoCloseable {
    static final int SCANS = 7;
    static final int NEGATIVES = 30;
    /** More patches than fit the limit on the size of a file. */
    static final int MANY = 150;

    static final int MAX_FILE_KILOBYTES = 256;

    private final Process process;
    private final BufferedReader out;

    private CachingChild(Process process) {
        this.process = process;
        this.out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** What the child does: {@code prepare}, {@code hang} in the middle of a file, or {@code overflow}. */
    public static void main(String[] arguments) throws Exception {
        PrintStream print = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        Path directory = Path.of(arguments[1]);
        Path folder = directory.resolve("cache");
        List<Scan> scans = Scans.write(directory.resolve("scans-of-" + arguments[0]), SCANS, NEGATIVES);
        PatchCache cache = PatchCache.at(folder);
        switch (arguments[0]) {
            case "hang" -> {
                cache.prepare(scans.subList(0, 2), Scans.SETTINGS, CandidateSelection.all());
                CacheFile.write(
                        folder,
                        new byte[CacheFile.KEY_BYTES],
                        "half",
                        Scans.SETTINGS.boxShape(),
                        new PatchSettings.VoxelSpacing(1, 1, 1),
                        scans.get(0).candidates(),
                        (index, target) -> {
                            if (index == 3) {
                                print.println("half");
                                new CountDownLatch(1).await();
                            }
                        });
            }
            case "overflow" -> {
                List<Scan> all = new ArrayList<>(scans);
                all.add(Scans.write(directory.resolve("scans-of-overflow"), SCANS, 0, MANY));
                try {
                    cache.withThreads(2).prepare(all, Scans.SETTINGS, CandidateSelection.all());
                    print.println("fits");
                } catch (PatchCacheException e) {
                    print.println(e.getMessage());
                }
            }
            default ->
                cache.withThreads(2)
                        .prepare(scans, Scans.SETTINGS, CandidateSelection.all(), (done, total) -> print.println(done));
        }
    }

    /** Starts it, by way of a shell if the size of files is to be limited. */
    static CachingChild start(String what, Path directory, boolean limited) throws IOException {
        List<String> command = new ArrayList<>();
        if (limited) {
            command.addAll(List.of("bash", "-c", "ulimit -f " + MAX_FILE_KILOBYTES + "; exec \"$0\" \"$@\""));
        }
        String modules = System.getProperty("jdk.module.path", "");
        String classes = System.getProperty("java.class.path", "");
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",
                "-Xshare:auto",
                "-cp",
                modules.isEmpty() ? classes : modules + File.pathSeparator + classes,
                CachingChild.class.getName(),
                what,
                directory.toString()));
        return new CachingChild(new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start());
    }

    String readLine() throws IOException {
        String line = out.readLine();
        if (line == null) {
            throw new IOException("the child ended before its time");
        }
        return line;
    }

    /** Kills it as {@code kill -9} does. */
    void kill() {
        process.toHandle().destroyForcibly();
        process.onExit().join();
    }

    @Override
    public void close() throws IOException {
        kill();
        out.close();
    }
}
