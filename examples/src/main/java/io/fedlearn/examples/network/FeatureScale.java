package io.fedlearn.examples.network;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.examples.run.FileDigest;
import io.fedlearn.examples.run.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How a site brings its columns of numbers to a common scale before it trains: {@code (x - mean) / scale}. Columns of categories
 * stay 0 and 1.
 *
 * @param rule how it came about, the same text at all sites that scale alike
 * @param means by column
 * @param scales by column, each greater than 0
 */
record FeatureScale(String rule, Map<String, Double> means, Map<String, Double> scales) {
    /** The rule that takes each site's own figures: {@value}. */
    static final String SITE = "site";

    /** The rule that takes numbers as they are: {@value}. */
    static final String NONE = "none";

    private static final String MEAN = "mean";
    private static final String SCALE = "scale";

    /** No scale; what is missing becomes the mean that the site itself has. */
    static FeatureScale none(List<String> names, ExampleSource training) {
        FeatureScale own = site(names, training);
        Map<String, Double> ones = new LinkedHashMap<>();
        own.means().keySet().forEach(column -> ones.put(column, 1.0));
        return new FeatureScale(NONE, own.means(), ones);
    }

    /**
     * Mean and standard deviation of the site's own training examples; a column that never varies is not divided.
     *
     * @param names of the features, of which those of categories are told by their '='
     */
    static FeatureScale site(List<String> names, ExampleSource training) {
        FeatureStatistics statistics = FeatureStatistics.of(training);
        Map<String, Double> means = new LinkedHashMap<>();
        Map<String, Double> scales = new LinkedHashMap<>();
        for (int i = 0; i < names.size(); i++) {
            if (names.get(i).indexOf('=') < 0) {
                means.put(names.get(i), statistics.mean(i));
                double deviation = statistics.standardDeviation(i);
                scales.put(names.get(i), deviation > 0 ? deviation : 1);
            }
        }
        return new FeatureScale(SITE, means, scales);
    }

    /**
     * Reads a file such as {@code {"age": {"mean": 41.5, "scale": 10}}}.
     *
     * @param columns of numbers, each of which it must name
     * @throws InputException that names the file and the column
     */
    static FeatureScale read(Path file, List<String> columns) {
        JsonNode json;
        try {
            json = new ObjectMapper().readTree(file.toFile());
        } catch (JsonProcessingException e) {
            throw new InputException("--scale: " + file + " is not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw InputException.of("--scale: " + file + " cannot be read", e);
        }
        Map<String, Double> means = new LinkedHashMap<>();
        Map<String, Double> scales = new LinkedHashMap<>();
        for (String column : columns) {
            JsonNode entry = json.path(column);
            double mean = entry.path(MEAN).asDouble(Double.NaN);
            double scale = entry.path(SCALE).asDouble(Double.NaN);
            if (!Double.isFinite(mean) || !Double.isFinite(scale) || scale <= 0) {
                throw new InputException("--scale: " + file + " must have {\"" + column
                        + "\": {\"mean\": M, \"scale\": S}} with S > 0, as it must for every column of numbers");
            }
            means.put(column, mean);
            scales.put(column, scale);
        }
        return new FeatureScale("file " + FileDigest.of(List.of(file)), means, scales);
    }

    /** Writes a file that {@link #read} reads. */
    void write(Path file) {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode json = mapper.createObjectNode();
        means.forEach((column, mean) -> json.putObject(column).put(MEAN, mean).put(SCALE, scales.get(column)));
        try {
            if (file.toAbsolutePath().getParent() != null) {
                Files.createDirectories(file.toAbsolutePath().getParent());
            }
            mapper.writerWithDefaultPrettyPrinter().writeValue(file.toFile(), json);
        } catch (IOException e) {
            throw InputException.of("--write-scale: " + file + " cannot be written", e);
        }
    }

    /**
     * Scales examples where they lie; what is missing becomes the mean.
     *
     * @param names of the features
     * @param features of all examples, one after the other
     */
    void apply(List<String> names, float[] features) {
        boolean isAsItWas = rule.equals(NONE);
        List<String> columns = new ArrayList<>(names);
        for (int j = 0; j < columns.size(); j++) {
            Double mean = means.get(columns.get(j));
            Double scale = scales.get(columns.get(j));
            if (mean == null || scale == null) {
                continue;
            }
            for (int at = j; at < features.length; at += columns.size()) {
                double value = Float.isNaN(features[at]) ? mean : features[at];
                features[at] = (float) (isAsItWas ? value : (value - mean) / scale);
            }
        }
    }
}
