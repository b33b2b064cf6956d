package io.fedlearn.aggregators;

import io.fedlearn.core.strategy.Strategy;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * The published methods by name, for command lines and configuration files. Immutable and thread-safe.
 */
public final class MethodCatalogue {
    private static final Map<String, Function<Settings, Strategy>> METHODS = Map.of(
            "fedavg", settings -> FedAvg.create(),
            "fedavgm",
                    settings -> FedAvgM.builder()
                            .serverLearningRate(
                                    settings.number("serverLearningRate", FedAvgM.DEFAULT_SERVER_LEARNING_RATE))
                            .serverMomentum(settings.number("serverMomentum", FedAvgM.DEFAULT_SERVER_MOMENTUM))
                            .build(),
            "fedprox", settings -> FedProx.withMu(settings.number("mu")),
            "fedadagrad",
                    settings -> FedAdagrad.builder()
                            .serverLearningRate(
                                    settings.number("serverLearningRate", FedAdagrad.DEFAULT_SERVER_LEARNING_RATE))
                            .beta1(settings.number("beta1", FedAdagrad.DEFAULT_BETA1))
                            .tau(settings.number("tau", FedAdagrad.DEFAULT_TAU))
                            .build(),
            "fedadam",
                    settings -> FedAdam.builder()
                            .serverLearningRate(
                                    settings.number("serverLearningRate", FedAdam.DEFAULT_SERVER_LEARNING_RATE))
                            .beta1(settings.number("beta1", FedAdam.DEFAULT_BETA1))
                            .beta2(settings.number("beta2", FedAdam.DEFAULT_BETA2))
                            .tau(settings.number("tau", FedAdam.DEFAULT_TAU))
                            .biasCorrection(settings.biasCorrection())
                            .build(),
            "fedyogi",
                    settings -> FedYogi.builder()
                            .serverLearningRate(
                                    settings.number("serverLearningRate", FedYogi.DEFAULT_SERVER_LEARNING_RATE))
                            .beta1(settings.number("beta1", FedYogi.DEFAULT_BETA1))
                            .beta2(settings.number("beta2", FedYogi.DEFAULT_BETA2))
                            .tau(settings.number("tau", FedYogi.DEFAULT_TAU))
                            .build());

    private MethodCatalogue() {}

    /** The names that {@link #parse} knows, in alphabetical order. */
    public static List<String> names() {
        return METHODS.keySet().stream().sorted().toList();
    }

    /**
     * The method of this name with these settings, such as
     * {@code parse("fedadam", Map.of("serverLearningRate", "0.01"))}.
     *
     * @param name in upper or lower case
     * @param settings as the method's page names them; what is not there has its default
     * @throws IllegalArgumentException if there is no such method, or a setting is unknown to it, missing or out of
     *     range
     */
    public static Strategy parse(String name, Map<String, String> settings) {
        Function<Settings, Strategy> method = METHODS.get(name.toLowerCase(Locale.ROOT));
        if (method == null) {
            throw new IllegalArgumentException(
                    "the method must be one of " + String.join(", ", names()) + ", was " + name);
        }
        Settings reader = new Settings(settings);
        Strategy strategy = method.apply(reader);
        reader.requireAllRead(name);
        return strategy;
    }

    /** Reads settings and remembers which. */
    private static final class Settings {
        private final Map<String, String> values;
        private final Set<String> read = new HashSet<>();

        Settings(Map<String, String> values) {
            this.values = new TreeMap<>(values);
        }

        double number(String name) {
            read.add(name);
            String text = values.get(name);
            if (text == null) {
                throw new IllegalArgumentException(name + " must be given");
            }
            try {
                return Double.parseDouble(text);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(name + " must be a number, was " + text, e);
            }
        }

        double number(String name, double defaultValue) {
            read.add(name);
            return values.containsKey(name) ? number(name) : defaultValue;
        }

        BiasCorrection biasCorrection() {
            read.add("biasCorrection");
            String text = values.getOrDefault("biasCorrection", BiasCorrection.NONE.name());
            for (BiasCorrection correction : BiasCorrection.values()) {
                if (correction.name().equalsIgnoreCase(text.replace('-', '_'))) {
                    return correction;
                }
            }
            throw new IllegalArgumentException(
                    "biasCorrection must be one of " + Arrays.toString(BiasCorrection.values()) + ", was " + text);
        }

        void requireAllRead(String method) {
            Set<String> unknown = new TreeSet<>(values.keySet());
            unknown.removeAll(read);
            if (!unknown.isEmpty()) {
                throw new IllegalArgumentException(method + " has no setting " + String.join(", ", unknown)
                        + (read.isEmpty() ? "" : ": it has " + String.join(", ", new TreeSet<>(read))));
            }
        }
    }
}
