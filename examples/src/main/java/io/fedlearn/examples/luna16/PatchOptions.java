package io.fedlearn.examples.luna16;

import io.fedlearn.examples.run.InputException;
import io.fedlearn.luna16.network.HardNegatives;
import io.fedlearn.luna16.network.Luna16Client;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.network.Normalization;
import io.fedlearn.luna16.patch.Augmentation;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PatchShape;
import java.util.List;
import java.util.Locale;
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
            names = "--negative-share",
            paramLabel = "X",
            order = -11,
            description =
                    "What share of the other patches each pass over a hospital's patches shows, drawn anew for each"
                            + " (default: ${DEFAULT-VALUE}). With less than 1, raise --negatives-per-scan and --local-epochs:"
                            + " as much work, and more different patches.")
    private double negativeShare = Luna16Client.Builder.DEFAULT_NEGATIVE_SHARE;

    @Option(
            names = "--augmentation",
            paramLabel = "RULE",
            order = -11,
            description = "How patches are varied each time they are shown: none, flips, turns (and flips) or full (and"
                    + " shifts and noise) (default: ${DEFAULT-VALUE}).")
    private String augmentation = "full";

    @Option(
            names = "--dropout",
            paramLabel = "X",
            order = -11,
            description = "What share of the last layer's inputs is dropped in training (default: ${DEFAULT-VALUE}).")
    private double dropout;

    @Option(
            names = "--normalization",
            paramLabel = "WAY",
            order = -11,
            description = "What follows each convolution: none or batch, whose running statistics the server averages"
                    + " (default: ${DEFAULT-VALUE}).")
    private String normalization = "none";

    @Option(
            names = "--prior",
            paramLabel = "P",
            order = -11,
            description =
                    "What the network says of every patch before it has learnt anything: a probability, none (0.5)"
                            + " or auto (the share of nodules in a pass, by --negatives-per-positive) (default:"
                            + " ${DEFAULT-VALUE}).")
    private String prior = "none";

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
        if (!(negativeShare > 0 && negativeShare <= 1)) {
            throw new InputException("--negative-share must be > 0 and <= 1, was " + negativeShare);
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new InputException("--dropout must be >= 0 and < 1, was " + dropout);
        }
        if (!(prior() >= LunaNet.LEAST_PROBABILITY && prior() <= 1 - LunaNet.LEAST_PROBABILITY)) {
            throw new InputException("--prior must be between 0 and 1, was " + prior);
        }
        normalization();
        augmentation(settings().patches());
    }

    /** The network, and the patches that it takes. */
    NetworkSettings settings() {
        try {
            NetworkSettings settings = NetworkSettings.of(patch, spacing(), LunaNet.DEFAULT_CHANNELS, normalization());
            return new NetworkSettings(settings.network().withDropout(dropout).withPrior(prior()), settings.patches());
        } catch (IllegalArgumentException e) {
            throw new InputException("--patch and --spacing: " + e.getMessage(), e);
        }
    }

    private Normalization normalization() {
        try {
            return NetworkSettings.normalization(normalization);
        } catch (IllegalArgumentException e) {
            throw new InputException("--" + e.getMessage(), e);
        }
    }

    private double prior() {
        switch (prior.toLowerCase(Locale.ROOT)) {
            case "none":
                return LunaNet.DEFAULT_PRIOR;
            case "auto":
                return 1 / (1 + negativesPerPositive);
            default:
                return number("--prior must be none, auto or a probability", prior);
        }
    }

    private static double number(String wanted, String text) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            throw new InputException(wanted + ", was '" + text + "'", e);
        }
    }

    /** How patches are varied in training; shifts go as far as the patches' margin. */
    private Augmentation augmentation(PatchSettings patches) {
        Augmentation flips = Augmentation.none().withFlips(true, true, true);
        return switch (augmentation.toLowerCase(Locale.ROOT)) {
            case "none" -> Augmentation.none();
            case "flips" -> flips;
            case "turns" -> flips.withRotation(Augmentation.Rotation.QUARTER_TURNS);
            case "full" -> Augmentation.defaults().withShift(patches.margin());
            default ->
                throw new InputException(
                        "--augmentation must be one of none, flips, turns, full, was '" + augmentation + "'");
        };
    }

    /**
     * How patches become what a hospital trains on.
     *
     * @param hardNegatives what hospitals are told of them, if anything
     */
    Recipe recipe(Optional<HardNegatives> hardNegatives) {
        return new Recipe(
                negativesPerPositive, negativeShare, augmentation(settings().patches()), hardNegatives);
    }

    private String spacing() {
        return spacing.orElse(24.0 / patch.depth() + "x" + 30.0 / patch.height() + "x" + 30.0 / patch.width());
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
                "--negative-share",
                Double.toString(negativeShare),
                "--augmentation",
                augmentation,
                "--dropout",
                Double.toString(dropout),
                "--normalization",
                normalization,
                "--prior",
                prior,
                "--native-threads",
                Integer.toString(nativeThreads));
    }
}
