package io.fedlearn.examples.luna16;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.network.Normalization;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PatchShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.TypeConversionException;

/**
 * What a model must be known with to be of use: the network, and how the patches are cut that it was trained on. A run keeps
 * them among its settings.
 *
 * @param network for patches of the shape
 * @param patches of one spacing for all scans
 */
record NetworkSettings(LunaNet network, PatchSettings patches) {
    private static final String PATCH = "patch";
    private static final String SPACING = "spacingMillimetres";
    private static final String CHANNELS = "channels";
    private static final String NORMALIZATION = "normalization";
    private static final String RUN_FILE = "run.json";

    /** Writes them into a run's settings. */
    void addTo(Federation.Builder federation) {
        federation
                .setting(PATCH, patches.shape().toString())
                .setting(SPACING, patches.spacing().orElseThrow().toString())
                .setting("window", patches.window().toString())
                .setting(CHANNELS, network.channels().toString())
                .setting(NORMALIZATION, network.normalization().toString())
                .setting("network", network.toString());
    }

    /**
     * Finds them beside a model, in the folder of the run that it came from.
     *
     * @return empty if there is no such run
     * @throws InputException if that run trained something else
     */
    static Optional<NetworkSettings> beside(Path model) {
        Path file = model.toAbsolutePath().resolveSibling(RUN_FILE);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            JsonNode settings = new ObjectMapper().readTree(file.toFile()).path("settings");
            for (String name : List.of(PATCH, SPACING, CHANNELS, NORMALIZATION)) {
                if (!settings.has(name)) {
                    throw new InputException(file + " is not of a run of luna16: it has no setting '" + name + "'");
                }
            }
            return Optional.of(of(
                    new Extent().convert(settings.path(PATCH).asText()),
                    settings.path(SPACING).asText(),
                    Arrays.stream(settings.path(CHANNELS)
                                    .asText()
                                    .replaceAll("[\\[\\] ]", "")
                                    .split(","))
                            .map(Integer::valueOf)
                            .toList(),
                    normalization(settings.path(NORMALIZATION).asText())));
        } catch (IOException e) {
            throw InputException.of(file + " cannot be read", e);
        } catch (TypeConversionException | IllegalArgumentException e) {
            throw new InputException(file + " has settings that are not luna16's: " + e.getMessage(), e);
        }
    }

    /**
     * These settings.
     *
     * @param spacing as millimetres along z, y and x, such as {@code 2.0x1.5x1.5}
     */
    static NetworkSettings of(PatchShape patch, String spacing, List<Integer> channels, Normalization normalization) {
        double[] millimetres = spacing(spacing);
        return new NetworkSettings(
                LunaNet.of(patch, channels).withNormalization(normalization),
                PatchSettings.defaults()
                        .withShape(patch)
                        .withSpacing(millimetres[0], millimetres[1], millimetres[2])
                        .withMargin(2));
    }

    /**
     * Reads {@code none} or {@code batch}.
     *
     * @throws IllegalArgumentException if it is neither
     */
    static Normalization normalization(String text) {
        return Arrays.stream(Normalization.values())
                .filter(way -> way.toString().equalsIgnoreCase(text))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("normalization must be one of "
                        + Arrays.stream(Normalization.values())
                                .map(Normalization::toString)
                                .collect(Collectors.joining(", "))
                        + ", was '" + text + "'"));
    }

    /**
     * Reads {@code 2.0x1.5x1.5}.
     *
     * @throws IllegalArgumentException if it is no such text
     */
    static double[] spacing(String text) {
        String[] parts = text.toLowerCase(Locale.ROOT).split("x", -1);
        try {
            if (parts.length == 3) {
                return Arrays.stream(parts).mapToDouble(Double::parseDouble).toArray();
            }
        } catch (NumberFormatException e) {
            // The message below says what is wanted.
        }
        throw new IllegalArgumentException(
                "a spacing is given as millimetres along z, y and x, such as 2x1.5x1.5, was '" + text + "'");
    }
}
