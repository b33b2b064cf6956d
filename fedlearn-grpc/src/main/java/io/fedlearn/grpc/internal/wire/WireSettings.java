package io.fedlearn.grpc.internal.wire;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.grpc.proto.v1.Metric;
import io.fedlearn.grpc.proto.v1.Setting;
import io.fedlearn.grpc.proto.v1.Transform;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Settings, metrics and transforms on the wire. */
public final class WireSettings {
    private static final int MAX_TRANSFORMS = 64;
    private static final int MAX_NAME_LENGTH = 256;
    private static final int MAX_TEXT_LENGTH = 1 << 16;

    private WireSettings() {}

    /** These settings, in alphabetical order. */
    public static List<Setting> write(Config config) {
        List<Setting> settings = new ArrayList<>();
        for (Map.Entry<String, Object> entry : config.asMap().entrySet()) {
            Setting.Builder setting = Setting.newBuilder().setName(entry.getKey());
            Object value = entry.getValue();
            if (value instanceof Boolean flag) {
                setting.setFlag(flag);
            } else if (value instanceof Long whole) {
                setting.setWhole(whole);
            } else if (value instanceof Double number) {
                setting.setNumber(number);
            } else {
                setting.setText((String) value);
            }
            settings.add(setting.build());
        }
        return settings;
    }

    /** The settings of a field called {@code field}. */
    public static Config readConfig(String field, List<Setting> settings) throws WireException {
        requireCount(field, settings.size(), Config.MAX_COUNT);
        Map<String, Object> values = new TreeMap<>();
        for (Setting setting : settings) {
            requireName(field, setting.getName());
            Object value = switch (setting.getValueCase()) {
                case FLAG -> setting.getFlag();
                case WHOLE -> setting.getWhole();
                case NUMBER -> setting.getNumber();
                case TEXT -> setting.getText();
                case VALUE_NOT_SET ->
                    throw new WireException(field + ": setting '" + setting.getName() + "' has no value");
            };
            if (value instanceof String text && text.length() > MAX_TEXT_LENGTH) {
                throw new WireException(field + ": setting '" + setting.getName() + "' has " + text.length()
                        + " characters, at most " + MAX_TEXT_LENGTH + " are taken");
            }
            if (values.put(setting.getName(), value) != null) {
                throw new WireException(field + ": setting '" + setting.getName() + "' is there twice");
            }
        }
        try {
            return Config.of(values);
        } catch (IllegalArgumentException e) {
            throw new WireException(field, e);
        }
    }

    static List<Metric> write(Metrics metrics) {
        return metrics.asMap().entrySet().stream()
                .map(entry -> Metric.newBuilder()
                        .setName(entry.getKey())
                        .setValue(entry.getValue())
                        .build())
                .toList();
    }

    static Metrics readMetrics(List<Metric> metrics) throws WireException {
        requireCount("metrics", metrics.size(), Metrics.MAX_COUNT);
        Map<String, Double> values = new TreeMap<>();
        for (Metric metric : metrics) {
            requireName("metrics", metric.getName());
            if (values.put(metric.getName(), metric.getValue()) != null) {
                throw new WireException("metrics: '" + metric.getName() + "' is there twice");
            }
        }
        try {
            return Metrics.of(values);
        } catch (IllegalArgumentException e) {
            throw new WireException("metrics", e);
        }
    }

    static List<Transform> write(List<TransformSpec> transforms) {
        return transforms.stream()
                .map(transform -> Transform.newBuilder()
                        .setName(transform.name())
                        .addAllSettings(write(transform.settings()))
                        .build())
                .toList();
    }

    static List<TransformSpec> readTransforms(List<Transform> transforms) throws WireException {
        requireCount("transforms", transforms.size(), MAX_TRANSFORMS);
        List<TransformSpec> specs = new ArrayList<>();
        for (Transform transform : transforms) {
            requireName("transforms", transform.getName());
            specs.add(new TransformSpec(
                    transform.getName(),
                    readConfig("settings of transform '" + transform.getName() + "'", transform.getSettingsList())));
        }
        return specs;
    }

    static void requireCount(String field, int count, int most) throws WireException {
        if (count > most) {
            throw new WireException(field + ": has " + count + " entries, at most " + most + " are taken");
        }
    }

    static void requireName(String field, String name) throws WireException {
        if (name.isEmpty() || name.length() > MAX_NAME_LENGTH || name.chars().anyMatch(Character::isISOControl)) {
            throw new WireException(
                    field + ": a name must have 1 to " + MAX_NAME_LENGTH + " characters and no control characters");
        }
    }
}
