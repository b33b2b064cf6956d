package io.fedlearn.dl4j;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Properties;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.util.CrashReportingUtil;
import org.nd4j.linalg.factory.Environment;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * What computes: which build of ND4J was loaded, and on how many threads one operation runs.
 *
 * <p>The number of threads is of the whole process, because ND4J's is. Results have the same bits for the same number, on
 * whatever Java thread, and other bits for another: a run that is to be repeated fixes it. Where several clients train at
 * once, threads times clients should not exceed the cores, because OpenMP's threads wait for each other by spinning.
 *
 * @param name {@code CPU} or {@code CUDA}
 * @param build the folder of the native library in its jar, such as {@code linux-x86_64-onednn-avx2}
 * @param version of ND4J
 * @param oneDnn whether it has oneDNN's convolutions
 * @param instructions the processor's instructions that the build uses: {@code generic}, {@code AVX2} or {@code AVX-512}
 * @param threads how many threads one operation may use
 */
public record Dl4jBackend(String name, String build, String version, boolean oneDnn, String instructions, int threads) {
    private static final String CPU = "CPU";
    private static final int MAX_THREADS = 1024;
    private static final String VERSION = "/META-INF/maven/org.nd4j/nd4j-api/pom.properties";

    /** Loads ND4J once, and holds the number of threads. */
    private static final class Loaded {
        static final NativeOps OPERATIONS = load();
        // What the thread that loads ND4J got, from OMP_NUM_THREADS or the number of cores.
        private static volatile int threads = OPERATIONS.ompGetMaxThreads();

        static {
            useThreads(threads);
            // They would go to files in the working directory, and need a library that this module leaves out.
            CrashReportingUtil.crashDumpsEnabled(false);
        }

        private static NativeOps load() {
            // Its static initialiser finds the backend.
            Nd4j.getEnvironment();
            return NativeOpsHolder.getInstance().getDeviceNativeOps();
        }

        static void useThreads(int count) {
            Environment environment = Nd4j.getEnvironment();
            environment.setMaxThreads(count);
            environment.setMaxMasterThreads(count);
            Nd4j.factory().blas().setMaxThreads(count);
            threads = count;
        }
    }

    /**
     * The backend that is loaded, which is loaded now if it was not.
     *
     * @throws BackendMissingException if there is none for this platform
     * @throws NativeMemoryException if the process may not take the memory that loading it needs
     */
    public static Dl4jBackend present() {
        NativeOps operations = operations();
        boolean cpu = Nd4j.getEnvironment().isCPU();
        return new Dl4jBackend(
                cpu ? CPU : "CUDA",
                buildOf(operations),
                versionOfNd4j(),
                operations.buildInfo().contains("HAVE_ONEDNN"),
                instructionsOf(operations.binaryLevel()),
                Loaded.threads);
    }

    private static NativeOps operations() {
        try {
            return Loaded.OPERATIONS;
        } catch (OutOfMemoryError e) {
            Throwable lack = NativeWork.lackOfMemory(e).orElseThrow(() -> e);
            throw new NativeMemoryException("to load ND4J", Pointer.physicalBytes(), Pointer.maxPhysicalBytes(), lack);
        } catch (LinkageError | RuntimeException e) {
            throw new BackendMissingException(Loader.getPlatform(), e);
        }
    }

    /**
     * Sets how many threads one operation may use, for the whole process; not while something is computed.
     *
     * @param count from 1 to 1024
     */
    public static void useThreads(int count) {
        if (count < 1 || count > MAX_THREADS) {
            throw new IllegalArgumentException("threads must be in [1, " + MAX_THREADS + "], were " + count);
        }
        operations();
        Loaded.useThreads(count);
    }

    /** Makes the calling thread compute like any other: OpenMP keeps its number of threads for each of them. */
    static void prepareThread() {
        operations().setOmpNumThreads(Loaded.threads);
    }

    private static String buildOf(NativeOps operations) {
        // The path of a library that was unpacked ends in …/<platform><extension>/<library>.
        String path = Loader.load(operations.getClass()).replace('\\', '/');
        String[] parts = path.split("/");
        return parts.length < 2 ? Loader.getPlatform() : parts[parts.length - 2];
    }

    private static String versionOfNd4j() {
        try (InputStream in = Nd4j.class.getResourceAsStream(VERSION)) {
            Properties properties = new Properties();
            if (in != null) {
                properties.load(in);
            }
            return properties.getProperty("version", "of unknown version");
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + VERSION + " of ND4J", e);
        }
    }

    private static String instructionsOf(int level) {
        return switch (level) {
            case 2 -> "AVX2";
            case 3 -> "AVX-512";
            default -> "generic";
        };
    }

    /** What should be told at start-up if this backend is slow, and what to do about it. */
    public Optional<String> warning() {
        if (!name.equals(CPU)) {
            return Optional.empty();
        }
        List<String> reasons = new ArrayList<>();
        if (!oneDnn) {
            reasons.add("it has no oneDNN, so convolutions in three dimensions take some forty times as long: use the"
                    + " classifier " + Loader.getPlatform() + "-onednn-avx2 of org.nd4j:nd4j-native");
        } else if (instructions.equals("generic") && Loader.getPlatform().endsWith("x86_64")) {
            reasons.add("it does without AVX2: use the classifier " + Loader.getPlatform() + "-onednn-avx2 of"
                    + " org.nd4j:nd4j-native if this processor has it");
        }
        int cores = java.lang.Runtime.getRuntime().availableProcessors();
        if (threads > cores) {
            reasons.add("its " + threads + " threads share " + cores + " cores");
        }
        return reasons.isEmpty() ? Optional.empty() : Optional.of("the backend is slow: " + String.join("; ", reasons));
    }

    /** One line for start-up, such as {@code ND4J 1.0.0-M2.1 on CPU: linux-x86_64-onednn-avx2, oneDNN, AVX2, 2 threads}. */
    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "ND4J %s on %s: %s%s, %s, %d %s",
                version,
                name,
                build,
                oneDnn ? ", oneDNN" : "",
                instructions,
                threads,
                threads == 1 ? "thread" : "threads");
    }
}
