package io.fedlearn.examples.network;

import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.strategy.ClientInfo;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;

/** Warns, once, when clients say that their numbers mean different things. Confined to the thread of the run. */
final class SchemaWatch implements RoundListener {
    private final Runtime runtime;
    private final Consumer<String> lines;
    private boolean warned;

    SchemaWatch(Runtime runtime, Consumer<String> lines) {
        this.runtime = runtime;
        this.lines = lines;
    }

    @Override
    public void roundStarted(int round, List<String> cohort) {
        Map<String, TreeSet<String>> schemas = new TreeMap<>();
        for (ClientInfo client : runtime.clients()) {
            Schema.of(client)
                    .ifPresent(schema -> schemas.computeIfAbsent(schema.code(), code -> new TreeSet<>())
                            .add(client.id()));
        }
        if (schemas.size() > 1 && !warned) {
            warned = true;
            lines.accept(
                    "Warning: clients have different columns, classes, models or scales, and what they train does not fit"
                            + " together: schema " + schemas
                            + ". Compare what they print at their start; --fit-config schema=CODE has"
                            + " those with another one decline.");
        }
    }
}
