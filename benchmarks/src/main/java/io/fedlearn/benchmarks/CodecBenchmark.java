package io.fedlearn.benchmarks;

import io.fedlearn.aggregators.transform.Codec;
import io.fedlearn.aggregators.transform.RandomMask;
import io.fedlearn.aggregators.transform.ReducedPrecision;
import io.fedlearn.aggregators.transform.StochasticQuantization;
import io.fedlearn.aggregators.transform.TopK;
import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.TreeMap;

/**
 * How fast does each codec encode and decode an update of 10M float32 parameters, and how much shorter does it make it, beside a plain
 * copy of the same array?
 *
 * <p>In turn, in one run. The update comes as a model, so that encoding takes the difference to the global one too:
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -Xms3g -Xmx3g -XX:+AlwaysPreTouch -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.CodecBenchmark [turns [parameters [file for the samples]]]
 * </pre>
 */
public final class CodecBenchmark {
    private static final String COPY = "plain copy";

    private CodecBenchmark() {}

    private static Map<String, Codec> codecs() {
        Map<String, Codec> codecs = new LinkedHashMap<>();
        codecs.put("float16", ReducedPrecision.float16());
        codecs.put("bfloat16", ReducedPrecision.bfloat16());
        codecs.put("int8", StochasticQuantization.create());
        codecs.put("top-k 1 %", TopK.withShare(0.01));
        codecs.put("top-k 10 %", TopK.withShare(0.1));
        codecs.put("random mask 10 %", RandomMask.withShare(0.1));
        return codecs;
    }

    /** Measures and prints a table. */
    public static void main(String[] arguments) throws Exception {
        int turns = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 15;
        int parameters = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 10_000_000;
        float[] start = new float[parameters];
        float[] trained = new float[parameters];
        SeededRandom random = SeededRandom.of(1);
        for (int i = 0; i < parameters; i++) {
            start[i] = (float) (0.05 * random.nextGaussian());
            trained[i] = start[i] + (float) (0.001 * random.nextGaussian());
        }
        Model global = Model.builder().trainable("w", Tensor.copyOf(start)).build();
        ClientUpdate update = ClientUpdate.ofModel(
                Model.builder().trainable("w", Tensor.copyOf(trained)).build(), 1);

        Map<String, Samples.Work> ways = new LinkedHashMap<>();
        Map<String, Long> bytes = new LinkedHashMap<>();
        ways.put(COPY, () -> System.arraycopy(trained, 0, start, 0, parameters));
        codecs().forEach((name, codec) -> {
            Map<String, Model> kept = new TreeMap<>();
            TransformContext client = new TransformContext("a", 1, 5, global, Optional.of(state(kept)));
            TransformContext server = new TransformContext("a", 1, 0, global, Optional.empty());
            UpdateTransform encoder = encoder(codec);
            UpdateTransform decoder = codec.decoder();
            // Twice, so that there is a remainder where one is kept.
            encoder.apply(update, client);
            ClientUpdate encoded = encoder.apply(update, client);
            bytes.put(name, encoded.byteCount());
            ways.put(name + ", encode", () -> encoder.apply(update, client));
            ways.put(name + ", decode", () -> decoder.apply(encoded, server));
        });

        Samples samples = Samples.inTurn(ways, 5, turns);

        double gigabytes = 4e-9 * parameters;
        System.out.printf(
                "%s%n%n%d float32 parameters, medians of %d turns%n%n", Machine.description(), parameters, turns);
        System.out.printf(
                Locale.ROOT, "%-18s %24s %24s %8s%n", "", "encode GB/s (of copy)", "decode GB/s (of copy)", "ratio");
        System.out.printf(Locale.ROOT, "%-18s %24.2f%n", COPY, gigabytes / samples.median(COPY));
        bytes.forEach((name, encoded) -> System.out.printf(
                Locale.ROOT,
                "%-18s %16.2f (%.3f) %16.2f (%.3f) %8.2f%n",
                name,
                gigabytes / samples.median(name + ", encode"),
                1 / samples.ratio(name + ", encode", COPY),
                gigabytes / samples.median(name + ", decode"),
                1 / samples.ratio(name + ", decode", COPY),
                4.0 * parameters / encoded));
        if (arguments.length > 2) {
            Files.writeString(Path.of(arguments[2]), samples.toJson() + "\n");
        }
    }

    private static ClientState state(Map<String, Model> kept) {
        return new ClientState() {
            @Override
            public Optional<Model> load(String name) {
                return Optional.ofNullable(kept.get(name));
            }

            @Override
            public void save(String name, Model value) {
                kept.put(name, value);
            }
        };
    }

    private static UpdateTransform encoder(Codec codec) {
        return ServiceLoader.load(UpdateTransform.Factory.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(factory -> factory.name().equals(codec.encoder().name()))
                .findFirst()
                .orElseThrow()
                .create(codec.encoder().settings());
    }
}
