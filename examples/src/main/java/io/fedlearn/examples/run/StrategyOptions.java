package io.fedlearn.examples.run;

import io.fedlearn.aggregators.catalogue.MethodCatalogue;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.Weighting;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options that make a strategy: a published method, its settings, and how much each update counts. */
final class StrategyOptions {
    /** What FedProx's {@code mu} is where no option says otherwise: {@value}. */
    static final String DEFAULT_MU = "0.01";

    @Option(
            names = "--strategy",
            paramLabel = "NAME",
            description = "How updates become the next model, such as fedavg, fedprox, fedadam or scaffold; 'fedlearn"
                    + " strategies' lists all with their settings (default: ${DEFAULT-VALUE}).")
    private String name = "fedavg";

    @Option(
            names = "--set",
            paramLabel = "NAME=VALUE",
            description =
                    "A setting of the strategy, such as mu=0.1 for fedprox or serverLearningRate=0.01 for fedadam;"
                            + " may be repeated.")
    private Map<String, String> settings = new LinkedHashMap<>();

    @Option(
            names = "--weighting",
            paramLabel = "HOW",
            converter = WeightingConverter.class,
            description = "How much an update counts: examples (as many as the client says it has), examples-up-to:N"
                    + " (but at most N) or uniform (default: as the strategy is published).")
    private Weighting weighting;

    /** Makes this strategy the one that there is without the option. */
    void otherwise(String strategy) {
        name = strategy;
    }

    /**
     * The strategy.
     *
     * @param clients how many there are in all, which some methods must know
     * @throws InputException that names the option
     */
    Strategy create(int clients) {
        MethodCatalogue.Method method;
        try {
            method = MethodCatalogue.find(name);
        } catch (IllegalArgumentException e) {
            throw new InputException("--strategy: " + e.getMessage(), e);
        }
        Map<String, String> all = new LinkedHashMap<>();
        Map.of("mu", DEFAULT_MU, "clients", String.valueOf(clients)).forEach((setting, value) -> {
            if ("".equals(method.settings().get(setting))) {
                all.put(setting, value);
            }
        });
        all.putAll(settings);
        method.settings().forEach((setting, value) -> {
            if (value.isEmpty() && !all.containsKey(setting)) {
                throw new InputException("--strategy " + method.name() + " needs --set " + setting
                        + "=VALUE; 'fedlearn strategies' lists the settings of all strategies");
            }
        });
        try {
            Strategy strategy = method.create(all);
            if (strategy.leastUpdates() > clients) {
                throw new InputException("--strategy " + method.name() + (all.isEmpty() ? "" : " with " + all)
                        + " needs " + strategy.leastUpdates() + " clients in a round, and there are " + clients);
            }
            return weighting == null ? strategy : strategy.withWeighting(weighting);
        } catch (IllegalArgumentException e) {
            throw new InputException("--set: " + e.getMessage(), e);
        }
    }

    /** Reads {@code examples}, {@code uniform}, {@code examples-up-to:500}. */
    static final class WeightingConverter implements ITypeConverter<Weighting> {
        private static final Pattern CAPPED = Pattern.compile("examples-up-to:([1-9][0-9]{0,17})");

        @Override
        public Weighting convert(String text) {
            Matcher capped = CAPPED.matcher(text);
            if (capped.matches()) {
                return Weighting.byExamplesUpTo(Long.parseLong(capped.group(1)));
            }
            return switch (text) {
                case "examples" -> Weighting.byExamples();
                case "uniform" -> Weighting.uniform();
                default ->
                    throw new TypeConversionException(
                            "a weighting must be examples, uniform, or such as examples-up-to:500, was '" + text + "'");
            };
        }
    }
}
