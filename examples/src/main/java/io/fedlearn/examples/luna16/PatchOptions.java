package io.fedlearn.examples.luna16;

import io.fedlearn.examples.run.InputException;
import io.fedlearn.luna16.network.Luna16Client;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.patch.PatchShape;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options that say how patches are cut, and how a network is trained on them. */
final class PatchOptions {
    private static final int MOST_NATIVE_THREADS = 1024;

    @Option(
            names = "--patch",
            paramLabel = "ZxYxX",
            order = -13,
            converter = Extent.class,
            description = "Voxels of a patch, at least 16 along each axis (default: ${DEFAULT-VALUE}; the challenge's"
                    + " detail takes about 32x48x48, and eight times as long).")
    private PatchShape patch = new PatchShape(16, 24, 24);

    @Option(
            names = "--spacing",
            paramLabel = "ZxYxX",
            order = -12,
            description = "Millimetres between a patch's voxels (default: such that a patch shows 24x30x30 mm).")
    private Optional<String> spacing = Optional.empty();

    @Option(
            names = "--negatives-per-positive",
            paramLabel = "X",
            order = -11,
            description = "Patches of nodules are repeated in training until there are at most so many others to each"
                    + " (default: ${DEFAULT-VALUE}).")
    private double negativesPerPositive = Luna16Client.Builder.DEFAULT_NEGATIVES_PER_POSITIVE;

    @Option(
            names = "--native-threads",
            paramLabel = "N",
            order = -10,
            description = "Threads of one network's arithmetic; another number gives other bits (default:"
                    + " ${DEFAULT-VALUE}, and as many clients at a time as there are processors).")
    private int nativeThreads = 1;

    /** Finds mistakes before anything is opened. */
    void check() {
        if (nativeThreads < 1 || nativeThreads > MOST_NATIVE_THREADS) {
            throw new InputException(
                    "--native-threads must be from 1 to " + MOST_NATIVE_THREADS + ", was " + nativeThreads);
        }
        if (!(negativesPerPositive >= 0.01 && negativesPerPositive <= 10_000)) {
            throw new InputException(
                    "--negatives-per-positive must be from 0.01 to 10000, was " + negativesPerPositive);
        }
        settings();
    }

    /** The network, and the patches that it takes. */
    NetworkSettings settings() {
        try {
            return NetworkSettings.of(patch, spacing(), LunaNet.DEFAULT_CHANNELS);
        } catch (IllegalArgumentException e) {
            throw new InputException("--patch and --spacing: " + e.getMessage(), e);
        }
    }

    private String spacing() {
        return spacing.orElse(24.0 / patch.depth() + "x" + 30.0 / patch.height() + "x" + 30.0 / patch.width());
    }

    /** How many other patches there are to each of a nodule in training. */
    double negativesPerPositive() {
        return negativesPerPositive;
    }

    /** Threads of one network's arithmetic. */
    int nativeThreads() {
        return nativeThreads;
    }

    /** These options as another process takes them. */
    List<String> arguments() {
        return List.of(
                "--patch",
                patch.toString(),
                "--spacing",
                spacing(),
                "--negatives-per-positive",
                Double.toString(negativesPerPositive),
                "--native-threads",
                Integer.toString(nativeThreads));
    }
}
