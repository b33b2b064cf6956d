package io.fedlearn.aggregators.catalogue;

import io.fedlearn.aggregators.BiasCorrection;
import io.fedlearn.aggregators.EffectiveSteps;
import io.fedlearn.aggregators.FedAdagrad;
import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.FedAvgM;
import io.fedlearn.aggregators.FedDyn;
import io.fedlearn.aggregators.FedNova;
import io.fedlearn.aggregators.FedProx;
import io.fedlearn.aggregators.FedYogi;
import io.fedlearn.aggregators.QFedAvg;
import io.fedlearn.aggregators.Scaffold;
import io.fedlearn.aggregators.robust.Bulyan;
import io.fedlearn.aggregators.robust.CoordinateMedian;
import io.fedlearn.aggregators.robust.GeometricMedian;
import io.fedlearn.aggregators.robust.Krum;
import io.fedlearn.aggregators.robust.MultiKrum;
import io.fedlearn.aggregators.robust.TrimmedMean;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.training.TrainingSettings;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * The published methods by name, for command lines and configuration files. Immutable and thread-safe.
 */
public final class MethodCatalogue {
    private static final String SERVER_LEARNING_RATE = "serverLearningRate";
    private static final String BETA1 = "beta1";
    private static final String BETA2 = "beta2";
    private static final String TAU = "tau";
    private static final String CLIENTS = "clients";
    private static final String BAD_CLIENTS = "badClients";

    private static final List<Method> METHODS = List.of(
            method(FedAvg.NAME, "the mean of the clients' models", settings -> FedAvg.create()),
            method(
                    FedAvgM.NAME,
                    "the mean, with momentum at the server",
                    settings -> FedAvgM.builder()
                            .serverLearningRate(settings.number(SERVER_LEARNING_RATE))
                            .serverMomentum(settings.number("serverMomentum"))
                            .build(),
                    setting(SERVER_LEARNING_RATE, FedAvgM.DEFAULT_SERVER_LEARNING_RATE),
                    setting("serverMomentum", FedAvgM.DEFAULT_SERVER_MOMENTUM)),
            method(
                    FedProx.NAME,
                    "the mean of clients that are held near the global model",
                    settings -> FedProx.withMu(settings.number(TrainingSettings.MU)),
                    required(TrainingSettings.MU)),
            method(
                    FedAdagrad.NAME,
                    "the mean, with Adagrad at the server",
                    settings -> FedAdagrad.builder()
                            .serverLearningRate(settings.number(SERVER_LEARNING_RATE))
                            .beta1(settings.number(BETA1))
                            .tau(settings.number(TAU))
                            .build(),
                    setting(SERVER_LEARNING_RATE, FedAdagrad.DEFAULT_SERVER_LEARNING_RATE),
                    setting(BETA1, FedAdagrad.DEFAULT_BETA1),
                    setting(TAU, FedAdagrad.DEFAULT_TAU)),
            method(
                    FedAdam.NAME,
                    "the mean, with Adam at the server",
                    settings -> FedAdam.builder()
                            .serverLearningRate(settings.number(SERVER_LEARNING_RATE))
                            .beta1(settings.number(BETA1))
                            .beta2(settings.number(BETA2))
                            .tau(settings.number(TAU))
                            .biasCorrection(settings.constant("biasCorrection", BiasCorrection.values()))
                            .build(),
                    setting(SERVER_LEARNING_RATE, FedAdam.DEFAULT_SERVER_LEARNING_RATE),
                    setting(BETA1, FedAdam.DEFAULT_BETA1),
                    setting(BETA2, FedAdam.DEFAULT_BETA2),
                    setting(TAU, FedAdam.DEFAULT_TAU),
                    setting("biasCorrection", BiasCorrection.NONE)),
            method(
                    FedYogi.NAME,
                    "the mean, with Yogi at the server",
                    settings -> FedYogi.builder()
                            .serverLearningRate(settings.number(SERVER_LEARNING_RATE))
                            .beta1(settings.number(BETA1))
                            .beta2(settings.number(BETA2))
                            .tau(settings.number(TAU))
                            .build(),
                    setting(SERVER_LEARNING_RATE, FedYogi.DEFAULT_SERVER_LEARNING_RATE),
                    setting(BETA1, FedYogi.DEFAULT_BETA1),
                    setting(BETA2, FedYogi.DEFAULT_BETA2),
                    setting(TAU, FedYogi.DEFAULT_TAU)),
            method(
                    FedNova.NAME,
                    "the mean of steps, each divided by how much the client trained",
                    settings -> FedNova.builder()
                            .effectiveSteps(settings.constant("effectiveSteps", EffectiveSteps.values()))
                            .maxLocalSteps(settings.whole("maxLocalSteps"))
                            .build(),
                    setting("effectiveSteps", EffectiveSteps.NORMALISERS),
                    setting("maxLocalSteps", FedNova.DEFAULT_MAX_LOCAL_STEPS)),
            method(
                    QFedAvg.NAME,
                    "clients with a larger loss move the model more, for even accuracy",
                    settings -> QFedAvg.builder()
                            .q(settings.number("q"))
                            .maxLoss(settings.number("maxLoss"))
                            .build(),
                    setting("q", QFedAvg.DEFAULT_Q),
                    setting("maxLoss", QFedAvg.DEFAULT_MAX_LOSS)),
            method(
                    Scaffold.NAME,
                    "control variates take out of each step what makes its client drift",
                    settings -> Scaffold.builder(settings.whole(CLIENTS))
                            .serverLearningRate(settings.number(SERVER_LEARNING_RATE))
                            .build(),
                    required(CLIENTS),
                    setting(SERVER_LEARNING_RATE, Scaffold.DEFAULT_SERVER_LEARNING_RATE)),
            method(
                    FedDyn.NAME,
                    "each client's loss is bent until all agree on the common minimum",
                    settings -> FedDyn.of(settings.whole(CLIENTS), settings.number("alpha")),
                    required(CLIENTS),
                    required("alpha")),
            method(
                    CoordinateMedian.NAME,
                    "the median of each parameter",
                    settings -> CoordinateMedian.bearing(settings.whole(BAD_CLIENTS)),
                    setting(BAD_CLIENTS, 0)),
            method(
                    TrimmedMean.NAME,
                    "the mean of each parameter without its smallest and largest values (a share, or badClients of each)",
                    settings -> settings.whole(BAD_CLIENTS) == 0
                            ? TrimmedMean.withTrimmedShare(settings.number("trimmedShare"))
                            : TrimmedMean.bearing(settings.whole(BAD_CLIENTS)),
                    setting("trimmedShare", TrimmedMean.DEFAULT_TRIMMED_SHARE),
                    setting(BAD_CLIENTS, 0)),
            method(
                    Krum.NAME,
                    "the one model that lies nearest to its neighbours",
                    settings -> Krum.bearing(settings.whole(BAD_CLIENTS)),
                    required(BAD_CLIENTS)),
            method(
                    MultiKrum.NAME,
                    "the mean of the models that lie nearest to their neighbours",
                    settings -> MultiKrum.bearing(settings.whole(BAD_CLIENTS)),
                    required(BAD_CLIENTS)),
            method(
                    Bulyan.NAME,
                    "Krum picks a majority, then each parameter is a mean around its median",
                    settings -> Bulyan.bearing(settings.whole(BAD_CLIENTS)),
                    required(BAD_CLIENTS)),
            method(
                    GeometricMedian.NAME,
                    "the geometric median of the models",
                    settings -> GeometricMedian.builder()
                            .smoothing(settings.number("smoothing"))
                            .iterations(settings.whole("iterations"))
                            .badClients(settings.whole(BAD_CLIENTS))
                            .build(),
                    setting("smoothing", GeometricMedian.DEFAULT_SMOOTHING),
                    setting("iterations", GeometricMedian.DEFAULT_ITERATIONS),
                    setting(BAD_CLIENTS, 0)));

    private MethodCatalogue() {}

    /** All methods, in the order of the documentation's table. */
    public static List<Method> methods() {
        return METHODS;
    }

    /**
     * The method of this name.
     *
     * @param name in upper or lower case
     * @throws IllegalArgumentException if there is none
     */
    public static Method find(String name) {
        return METHODS.stream()
                .filter(method -> method.name().equals(name.toLowerCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("the method must be one of "
                        + String.join(
                                ", ",
                                METHODS.stream().map(Method::name).sorted().toList())
                        + ", was " + name));
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
        return find(name).create(settings);
    }

    /** A published method as a command line sees it. Immutable and thread-safe. */
    public static final class Method {
        private final String name;
        private final String summary;
        private final Function<Settings, Strategy> factory;
        private final Map<String, String> defaults;

        private Method(
                String name, String summary, Function<Settings, Strategy> factory, Map<String, String> defaults) {
            this.name = name;
            this.summary = summary;
            this.factory = factory;
            this.defaults = Collections.unmodifiableMap(defaults);
        }

        /** The published name in lower case. */
        public String name() {
            return name;
        }

        /** What it does, in a few words. */
        public String summary() {
            return summary;
        }

        /** Its settings and their defaults; an empty text where a value must be given. */
        public Map<String, String> settings() {
            return defaults;
        }

        /**
         * The method with these settings; what is not there has its default.
         *
         * @throws IllegalArgumentException if a setting is unknown, missing or out of range
         */
        public Strategy create(Map<String, String> settings) {
            TreeSet<String> unknown = new TreeSet<>(settings.keySet());
            unknown.removeAll(defaults.keySet());
            if (!unknown.isEmpty()) {
                throw new IllegalArgumentException(name + " has no setting " + String.join(", ", unknown)
                        + (defaults.isEmpty() ? "" : ": it has " + String.join(", ", defaults.keySet())));
            }
            Map<String, String> values = new TreeMap<>(defaults);
            values.putAll(settings);
            return factory.apply(new Settings(values));
        }
    }

    @SafeVarargs
    private static Method method(
            String name, String summary, Function<Settings, Strategy> factory, Map.Entry<String, String>... settings) {
        Map<String, String> defaults = new LinkedHashMap<>();
        for (Map.Entry<String, String> setting : settings) {
            defaults.put(setting.getKey(), setting.getValue());
        }
        return new Method(name.toLowerCase(Locale.ROOT), summary, factory, defaults);
    }

    private static Map.Entry<String, String> setting(String name, Object defaultValue) {
        return Map.entry(name, String.valueOf(defaultValue));
    }

    private static Map.Entry<String, String> required(String name) {
        return Map.entry(name, "");
    }

    /** Reads the values of a method's settings. */
    private record Settings(Map<String, String> values) {
        private String text(String name) {
            String text = values.getOrDefault(name, "");
            if (text.isEmpty()) {
                throw new IllegalArgumentException(name + " must be given");
            }
            return text;
        }

        double number(String name) {
            try {
                return Double.parseDouble(text(name));
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(name + " must be a number, was " + text(name), e);
            }
        }

        int whole(String name) {
            try {
                return Integer.parseInt(text(name));
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(name + " must be a whole number, was " + text(name), e);
            }
        }

        <E extends Enum<E>> E constant(String name, E[] constants) {
            return Arrays.stream(constants)
                    .filter(constant ->
                            constant.name().equalsIgnoreCase(text(name).replace('-', '_')))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException(
                            name + " must be one of " + Arrays.toString(constants) + ", was " + text(name)));
        }
    }
}
