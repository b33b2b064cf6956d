package io.fedlearn.examples.network;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Config;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What sites must have in common, for the same number in the same place of their models to mean the same. Names that were declared,
 * never an example.
 *
 * @param code a short text that stands for all of it
 * @param features their names, in order; empty if the client tells only the code
 * @param classes their names, in order
 * @param model in words
 * @param scale the rule by which features are scaled
 */
record Schema(String code, List<String> features, List<String> classes, String model, String scale) {
    /** Under which a client tells the code, and a server may demand it: {@value}. */
    static final String CODE = "schema";

    private static final String FEATURES = "schemaFeatures";
    private static final String CLASSES = "schemaClasses";
    private static final String MODEL = "schemaModel";
    private static final String SCALE = "schemaScale";
    private static final int MOST_NAMES = 5;

    /** Longer lists are not told: a client is taken in by the code alone then. */
    private static final int MOST_CHARACTERS = 60_000;

    private static final ObjectMapper JSON = new ObjectMapper();

    Schema {
        features = List.copyOf(features);
        classes = List.copyOf(classes);
    }

    /** The schema of these parts. */
    static Schema of(List<String> features, List<String> classes, String model, String scale) {
        return new Schema(SchemaCode.of(features, classes, model, scale), features, classes, model, scale);
    }

    /** What a client tells of its schema; empty if it tells nothing, as programs other than this do. */
    static Optional<Schema> of(ClientInfo client) {
        // What comes from a client may be of any type.
        return text(client, CODE)
                .map(code -> new Schema(
                        code,
                        text(client, FEATURES).map(Schema::names).orElse(List.of()),
                        text(client, CLASSES).map(Schema::names).orElse(List.of()),
                        text(client, MODEL).orElse(""),
                        text(client, SCALE).orElse("")));
    }

    private static Optional<String> text(ClientInfo client, String name) {
        return client.properties().asMap().get(name) instanceof String text ? Optional.of(text) : Optional.empty();
    }

    private static List<String> names(String json) {
        try {
            return List.of(JSON.readValue(json, String[].class));
        } catch (JsonProcessingException | NullPointerException e) {
            return List.of();
        }
    }

    /** What the server is told. */
    Config properties() {
        Config properties = Config.empty().with(CODE, code);
        try {
            String allFeatures = JSON.writeValueAsString(features);
            String allClasses = JSON.writeValueAsString(classes);
            if (allFeatures.length() <= MOST_CHARACTERS && allClasses.length() <= MOST_CHARACTERS) {
                properties = properties
                        .with(FEATURES, allFeatures)
                        .with(CLASSES, allClasses)
                        .with(MODEL, model)
                        .with(SCALE, scale);
            }
            return properties;
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a list of names is always JSON", e);
        }
    }

    /** In what a client's schema is not this one, in words about that client; empty if it is the same. */
    Optional<String> differences(Schema other) {
        if (code.equals(other.code)) {
            return Optional.empty();
        }
        List<String> differences = new ArrayList<>();
        if (!features.isEmpty() && !other.features.isEmpty()) {
            add(differences, "it does not learn from ", without(features, other.features));
            add(differences, "it learns from ", without(other.features, features));
            addIfOther(differences, "classes", String.join(", ", classes), String.join(", ", other.classes));
            addIfOther(differences, "model", model, other.model);
            addIfOther(differences, "scale", scale, other.scale);
        }
        differences.add("its schema is " + other.code + ", the run's " + code);
        return Optional.of(String.join("; ", differences));
    }

    private static List<String> without(List<String> names, List<String> others) {
        return names.stream().filter(name -> !others.contains(name)).toList();
    }

    private static void add(List<String> differences, String words, List<String> names) {
        if (!names.isEmpty()) {
            differences.add(words
                    + String.join(", ", names.subList(0, Math.min(MOST_NAMES, names.size())))
                    + (names.size() > MOST_NAMES ? " and " + (names.size() - MOST_NAMES) + " more" : ""));
        }
    }

    private static void addIfOther(List<String> differences, String what, String wanted, String own) {
        if (!wanted.equals(own)) {
            differences.add("its " + what + (what.endsWith("s") ? " are " : " is ") + own + ", the run's " + wanted);
        }
    }
}
