package io.fedlearn.formats.internal.run;

import com.fasterxml.jackson.core.JsonGenerator;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.record.EvaluationRecord;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.task.Config;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * Run headers and round records as JSON, by the schema that the documentation of the run directory (package {@code io.fedlearn.files}) describes. What is written is read back equal:
 * whole numbers have no point, other numbers always have one.
 */
public final class RecordJson {
    /** The schema of {@code run.json} and of the directory around it: {@value}. */
    public static final String RUN_SCHEMA = "fedlearn-run/1";

    private RecordJson() {}

    /**
     * A round's record, and whether its model was the best so far.
     *
     * @param record of the round
     * @param best whether its model was the best so far
     * @param sha256 that its line carries
     */
    public record Line(RoundRecord record, boolean best, String sha256) {}

    /** The line of a run. */
    public static SealedJson write(RunHeader header) {
        return SealedJson.write(out -> {
            out.writeStringField("schema", RUN_SCHEMA);
            out.writeStringField("runId", header.runId());
            out.writeNumberField("seed", header.seed());
            out.writeStringField("strategy", header.strategy());
            config(out, "settings", header.settings());
            out.writeStringField("initialDigest", header.initialDigest());
            out.writeStringField("libraryVersion", header.libraryVersion());
            out.writeStringField("startedAt", header.startedAt().toString());
        });
    }

    /** The run of a line. */
    public static RunHeader readHeader(SealedJson sealed) throws DamagedException {
        JsonFields fields = sealed.parse();
        return checked(() -> new RunHeader(
                fields.text("runId"),
                fields.integer("seed"),
                fields.text("strategy"),
                fields.config("settings"),
                fields.text("initialDigest"),
                fields.text("libraryVersion"),
                fields.instant("startedAt")));
    }

    /** The line of a round. */
    public static SealedJson write(RoundRecord record, boolean best) {
        return SealedJson.write(out -> {
            out.writeNumberField("round", record.round());
            out.writeStringField("status", record.isAborted() ? "aborted" : "completed");
            if (record.abortReason().isPresent()) {
                out.writeStringField("abortReason", record.abortReason().get());
            }
            out.writeBooleanField("best", best);
            metrics(out, "metrics", record.evaluation().metrics());
            metrics(out, "centralMetrics", record.evaluation().central());
            metrics(out, "trainMetrics", record.trainMetrics());
            outcomes(out, "clients", record.evaluation().clients());
            outcomes(out, "outcomes", record.outcomes());
            texts(out, "cohort", record.cohort());
            texts(out, "lateUpdates", record.lateUpdates());
            out.writeNumberField("seed", record.seed());
            out.writeStringField("strategy", record.strategy());
            config(out, "settings", record.settings());
            config(out, "clientConfig", record.clientConfig());
            out.writeStringField("baseDigest", record.baseDigest());
            out.writeStringField("modelDigest", record.modelDigest());
            if (record.privacySpent().isPresent()) {
                PrivacySpent spent = record.privacySpent().get();
                out.writeObjectFieldStart("privacySpent");
                number(out, "epsilon", spent.epsilon());
                number(out, "privacyDelta", spent.privacyDelta());
                out.writeEndObject();
            }
            if (record.auditHead().isPresent()) {
                out.writeObjectFieldStart("auditHead");
                out.writeNumberField("sequence", record.auditHead().get().sequence());
                out.writeStringField("hash", record.auditHead().get().hash());
                out.writeEndObject();
            }
            out.writeStringField("libraryVersion", record.libraryVersion());
            out.writeStringField("startedAt", record.startedAt().toString());
            number(out, "seconds", record.seconds());
        });
    }

    /** The round of a line. */
    public static Line readLine(SealedJson sealed) throws DamagedException {
        JsonFields fields = sealed.parse();
        return checked(() -> new Line(record(fields), fields.bool("best"), sealed.sha256()));
    }

    private static RoundRecord record(JsonFields fields) throws DamagedException {
        return new RoundRecord(
                fields.round("round"),
                fields.optionalText("abortReason"),
                fields.integer("seed"),
                fields.text("strategy"),
                fields.config("settings"),
                fields.config("clientConfig"),
                fields.text("baseDigest"),
                fields.text("modelDigest"),
                fields.texts("cohort"),
                fields.objects("outcomes", RecordJson::outcome),
                fields.metrics("trainMetrics"),
                new EvaluationRecord(
                        fields.metrics("metrics"),
                        fields.metrics("centralMetrics"),
                        fields.objects("clients", RecordJson::outcome)),
                fields.texts("lateUpdates"),
                fields.optionalObject(
                        "privacySpent",
                        spent -> new PrivacySpent(spent.number("epsilon"), spent.number("privacyDelta"))),
                fields.optionalObject("auditHead", head -> new AuditHead(head.integer("sequence"), head.text("hash"))),
                fields.text("libraryVersion"),
                fields.instant("startedAt"),
                fields.number("seconds"));
    }

    private static OutcomeRecord outcome(JsonFields fields) throws DamagedException {
        return new OutcomeRecord(
                fields.text("clientId"),
                fields.text("outcome"),
                fields.text("reason"),
                fields.integer("exampleCount"),
                fields.number("weight"),
                fields.metrics("metrics"),
                fields.integer("updateBytes"),
                fields.integer("savedBytes"),
                fields.number("seconds"));
    }

    private static void outcomes(JsonGenerator out, String name, List<OutcomeRecord> outcomes) throws IOException {
        out.writeArrayFieldStart(name);
        for (OutcomeRecord outcome : outcomes) {
            out.writeStartObject();
            out.writeStringField("clientId", outcome.clientId());
            out.writeStringField("outcome", outcome.outcome());
            out.writeStringField("reason", outcome.reason());
            out.writeNumberField("exampleCount", outcome.exampleCount());
            number(out, "weight", outcome.weight());
            metrics(out, "metrics", outcome.metrics());
            out.writeNumberField("updateBytes", outcome.updateBytes());
            out.writeNumberField("savedBytes", outcome.savedBytes());
            number(out, "seconds", outcome.seconds());
            out.writeEndObject();
        }
        out.writeEndArray();
    }

    private static void texts(JsonGenerator out, String name, List<String> texts) throws IOException {
        out.writeArrayFieldStart(name);
        for (String text : texts) {
            out.writeString(text);
        }
        out.writeEndArray();
    }

    private static void metrics(JsonGenerator out, String name, Metrics metrics) throws IOException {
        out.writeObjectFieldStart(name);
        for (Map.Entry<String, Double> metric : metrics.asMap().entrySet()) {
            number(out, metric.getKey(), metric.getValue());
        }
        out.writeEndObject();
    }

    /** Writes settings such that whole numbers, other numbers, texts and booleans stay apart. */
    public static void config(JsonGenerator out, String name, Config config) throws IOException {
        out.writeObjectFieldStart(name);
        for (Map.Entry<String, Object> setting : config.asMap().entrySet()) {
            Object value = setting.getValue();
            if (value instanceof Long whole) {
                out.writeNumberField(setting.getKey(), whole);
            } else if (value instanceof Double real) {
                number(out, setting.getKey(), real);
            } else if (value instanceof Boolean bool) {
                out.writeBooleanField(setting.getKey(), bool);
            } else {
                out.writeStringField(setting.getKey(), (String) value);
            }
        }
        out.writeEndObject();
    }

    private static void number(JsonGenerator out, String name, double value) throws IOException {
        if (!Double.isFinite(value)) {
            throw new IllegalArgumentException("a record's '" + name + "' must be finite, was " + value);
        }
        out.writeNumberField(name, value);
    }

    /**
     * Makes something out of members that were read; what its class refuses was damaged, or never written by this
     * store.
     */
    public static <T> T checked(Reading<T> reading) throws DamagedException {
        try {
            return reading.read();
        } catch (IllegalArgumentException e) {
            throw new DamagedException(String.valueOf(e.getMessage()), e);
        }
    }

    /** Makes something out of what was read. */
    @FunctionalInterface
    public interface Reading<T> {
        /** Makes it. */
        T read() throws DamagedException;
    }
}
