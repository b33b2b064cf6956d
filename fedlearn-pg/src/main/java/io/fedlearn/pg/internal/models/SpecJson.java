package io.fedlearn.pg.internal.models;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.formats.internal.run.JsonFields;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/** Names, types, roles and shapes of a model's tensors as JSON. The model's digest covers them, so there is no checksum. */
final class SpecJson {
    private static final JsonMapper MAPPER = new JsonMapper();

    private SpecJson() {}

    static String write(ModelSpec spec) {
        StringWriter text = new StringWriter();
        try (JsonGenerator out = MAPPER.getFactory().createGenerator(text)) {
            out.writeStartArray();
            for (TensorSpec tensor : spec.tensors()) {
                out.writeStartObject();
                out.writeStringField("name", tensor.name());
                out.writeStringField("type", tensor.type().name());
                out.writeStringField("role", tensor.role().name());
                out.writeArrayFieldStart("shape");
                for (long length : tensor.shape().lengths()) {
                    out.writeNumber(length);
                }
                out.writeEndArray();
                out.writeEndObject();
            }
            out.writeEndArray();
        } catch (IOException e) {
            throw new UncheckedIOException("writing to a string cannot fail", e);
        }
        return text.toString();
    }

    static ModelSpec read(String json) throws DamagedException {
        try {
            List<TensorSpec> tensors = new ArrayList<>();
            for (JsonNode node : MAPPER.readTree(json)) {
                JsonFields fields = JsonFields.of(node);
                tensors.add(new TensorSpec(
                        fields.text("name"),
                        TensorType.valueOf(fields.text("type")),
                        shape(node.path("shape")),
                        TensorRole.valueOf(fields.text("role"))));
            }
            return ModelSpec.of(tensors);
        } catch (JsonProcessingException e) {
            throw new DamagedException("its specification is not JSON: " + e.getOriginalMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new DamagedException("its specification is not one: " + e.getMessage(), e);
        }
    }

    private static Shape shape(JsonNode node) throws DamagedException {
        if (!node.isArray()) {
            throw new DamagedException("its specification must have a 'shape' for each tensor");
        }
        long[] lengths = new long[node.size()];
        for (int i = 0; i < lengths.length; i++) {
            if (!node.get(i).isIntegralNumber() || !node.get(i).canConvertToLong()) {
                throw new DamagedException("its specification must have whole numbers in each 'shape'");
            }
            lengths[i] = node.get(i).longValue();
        }
        return Shape.of(lengths);
    }
}
