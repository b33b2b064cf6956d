package io.fedlearn.formats.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.formats.DefaultRoles;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.ReadLimits;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The JSON header of a safetensors file: what is where. Immutable. */
final class SafetensorsHeader {
    private static final String METADATA = "__metadata__";
    private static final String DIGEST = SafetensorsFile.RESERVED_PREFIX + "digest";
    private static final String ROLES = SafetensorsFile.RESERVED_PREFIX + "roles";
    private static final int ALIGNMENT = 8;
    private static final int MAX_NESTING = 4;
    private static final int MAX_KEY_LENGTH = 1 << 16;
    private static final int MAX_NUMBER_LENGTH = 32;

    /**
     * A tensor and where its values lie.
     *
     * @param spec the tensor
     * @param begin the offset of its first byte from the end of the header
     * @param end the offset after its last byte
     */
    record Entry(TensorSpec spec, long begin, long end) {}

    private final String source;
    private final List<Entry> entries;
    private final ModelSpec spec;
    private final Map<String, String> metadata;
    private final Optional<String> digest;

    private SafetensorsHeader(
            String source, List<Entry> entries, ModelSpec spec, Map<String, String> metadata, Optional<String> digest) {
        this.source = source;
        this.entries = entries;
        this.spec = spec;
        this.metadata = metadata;
        this.digest = digest;
    }

    /** The tensors in the order of their values. */
    List<Entry> entries() {
        return entries;
    }

    /** The tensors in the order of the model, with their roles. */
    ModelSpec spec() {
        return spec;
    }

    /** The metadata that is not FedLearn's own. */
    Map<String, String> metadata() {
        return metadata;
    }

    Optional<String> digest() {
        return digest;
    }

    /** The number of bytes of all values. */
    long dataLength() {
        return entries.isEmpty() ? 0 : entries.get(entries.size() - 1).end();
    }

    void requireDataLength(long actual) {
        if (actual < dataLength()) {
            throw new FormatException(
                    source, "is truncated: its values take " + dataLength() + " bytes, found " + actual);
        }
        if (actual > dataLength()) {
            throw new FormatException(
                    source,
                    "is longer than its header says: its values take " + dataLength() + " bytes, found " + actual);
        }
    }

    // ---- writing

    /** The first bytes of the file, up to the values. */
    static byte[] encode(Model model, Map<String, String> metadata) {
        ByteArrayOutputStream json = new ByteArrayOutputStream();
        try (JsonGenerator out = JsonFactory.builder().build().createGenerator(json)) {
            out.writeStartObject();
            out.writeObjectFieldStart(METADATA);
            for (Map.Entry<String, String> entry : metadata.entrySet()) {
                if (entry.getKey().startsWith(SafetensorsFile.RESERVED_PREFIX)) {
                    throw new IllegalArgumentException("metadata must not have keys that start with '"
                            + SafetensorsFile.RESERVED_PREFIX + "', had " + FormatException.quote(entry.getKey()));
                }
                out.writeStringField(unicode("metadata", entry.getKey()), unicode("metadata", entry.getValue()));
            }
            out.writeStringField(DIGEST, model.digest());
            out.writeStringField(ROLES, roles(model.spec()));
            out.writeEndObject();
            long offset = 0;
            for (TensorSpec tensor : model.spec().tensors()) {
                if (tensor.name().equals(METADATA)) {
                    throw new IllegalArgumentException("a tensor in safetensors must not be named '" + METADATA + "'");
                }
                out.writeObjectFieldStart(unicode("a tensor's name", tensor.name()));
                out.writeStringField("dtype", dtype(tensor.type()));
                out.writeArrayFieldStart("shape");
                for (long length : tensor.shape().lengths()) {
                    out.writeNumber(length);
                }
                out.writeEndArray();
                out.writeArrayFieldStart("data_offsets");
                out.writeNumber(offset);
                offset += tensor.byteCount();
                out.writeNumber(offset);
                out.writeEndArray();
                out.writeEndObject();
            }
            out.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("writing to an array cannot fail", e);
        }
        byte[] text = json.toByteArray();
        int padded = Math.toIntExact(((long) text.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        if (padded > ReadLimits.DEFAULT_MAX_HEADER_BYTES) {
            throw new IllegalArgumentException("a safetensors header must have <= "
                    + ReadLimits.DEFAULT_MAX_HEADER_BYTES + " bytes, would have " + padded);
        }
        byte[] bytes = new byte[Long.BYTES + padded];
        Arrays.fill(bytes, (byte) ' ');
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(padded).put(text);
        return bytes;
    }

    private static String roles(ModelSpec spec) throws IOException {
        StringWriter text = new StringWriter();
        try (JsonGenerator out = JsonFactory.builder().build().createGenerator(text)) {
            out.writeStartObject();
            for (TensorSpec tensor : spec.tensors()) {
                out.writeStringField(tensor.name(), tensor.role().name().toLowerCase(Locale.ROOT));
            }
            out.writeEndObject();
        }
        return text.toString();
    }

    private static String unicode(String what, String text) {
        if (!isUnicode(text)) {
            throw new IllegalArgumentException(what + " must be valid Unicode, was " + FormatException.quote(text));
        }
        return text;
    }

    private static boolean isUnicode(String text) {
        return StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    private static String dtype(TensorType type) {
        return switch (type) {
            case FLOAT16 -> "F16";
            case BFLOAT16 -> "BF16";
            case FLOAT32 -> "F32";
            case FLOAT64 -> "F64";
            case INT8 -> "I8";
            case INT16 -> "I16";
            case INT32 -> "I32";
            case INT64 -> "I64";
            case UINT8 -> "U8";
            case UINT16 -> "U16";
            case UINT32 -> "U32";
            case UINT64 -> "U64";
            case BOOL -> "BOOL";
        };
    }

    // ---- reading

    /** Parses the JSON text with its padding. */
    static SafetensorsHeader parse(byte[] json, String source, ReadLimits limits) {
        if (json.length == 0 || json[0] != '{') {
            throw new FormatException(source, "its header must start with '{'");
        }
        return new Reading(source, limits).parse(json);
    }

    /** The state of one parse. */
    private static final class Reading {
        private final String source;
        private final ReadLimits limits;
        private final JsonFactory factory;
        private final List<Entry> entries = new ArrayList<>();
        private final Map<String, String> metadata = new LinkedHashMap<>();

        Reading(String source, ReadLimits limits) {
            this.source = source;
            this.limits = limits;
            this.factory = JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_NESTING)
                            .maxNameLength(MAX_KEY_LENGTH)
                            .maxNumberLength(MAX_NUMBER_LENGTH)
                            .maxStringLength(limits.maxHeaderBytes())
                            .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    // Names come from outside: no table that outlives the parse should fill with them.
                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                    .build();
        }

        SafetensorsHeader parse(byte[] json) {
            // A reader rather than the bytes: Jackson would guess UTF-16 and let malformed UTF-8 pass.
            InputStreamReader text = new InputStreamReader(
                    new ByteArrayInputStream(json),
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .onMalformedInput(CodingErrorAction.REPORT)
                            .onUnmappableCharacter(CodingErrorAction.REPORT));
            try (JsonParser parser = factory.createParser(text)) {
                parser.nextToken();
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String name = parser.currentName();
                    parser.nextToken();
                    if (name.equals(METADATA)) {
                        metadata(parser);
                    } else {
                        tensor(parser, name);
                    }
                }
                if (parser.nextToken() != null) {
                    throw new FormatException(source, "its header must end with its JSON object");
                }
            } catch (JsonProcessingException e) {
                throw notJson("its header", e);
            } catch (CharacterCodingException e) {
                throw new FormatException(source, "its header must be UTF-8", e);
            } catch (IOException e) {
                throw new UncheckedIOException("reading from an array cannot fail", e);
            }
            // Where empty tensors share an offset with others they come first; among themselves they keep their order.
            entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
            requireContiguous();
            ModelSpec spec = spec();
            Optional<String> digest = Optional.ofNullable(metadata.get(DIGEST));
            metadata.keySet().removeIf(key -> key.startsWith(SafetensorsFile.RESERVED_PREFIX));
            return new SafetensorsHeader(
                    source, List.copyOf(entries), spec, Collections.unmodifiableMap(metadata), digest);
        }

        private FormatException notJson(String what, JsonProcessingException e) {
            return new FormatException(
                    source, what + " is not valid JSON: " + FormatException.quote(e.getOriginalMessage()), e);
        }

        private void metadata(JsonParser parser) throws IOException {
            if (parser.currentToken() != JsonToken.START_OBJECT) {
                throw new FormatException(source, METADATA + " must be an object");
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                if (metadata.size() == limits.maxTensors()) {
                    throw new FormatException(source, METADATA + " must have <= " + limits.maxTensors() + " entries");
                }
                String key = parser.currentName();
                if (parser.nextToken() != JsonToken.VALUE_STRING) {
                    throw new FormatException(
                            source, METADATA + " must map to strings, does not at " + FormatException.quote(key));
                }
                String value = parser.getText();
                // Not every version of Jackson refuses lone surrogates, and none does in values.
                if (!isUnicode(value)) {
                    throw new FormatException(
                            source, METADATA + " must be valid Unicode, is not at " + FormatException.quote(key));
                }
                metadata.put(key, value);
            }
        }

        private void tensor(JsonParser parser, String name) throws IOException {
            if (entries.size() == limits.maxTensors()) {
                throw new FormatException(source, "must have <= " + limits.maxTensors() + " tensors");
            }
            if (!isUnicode(name)) {
                throw new FormatException(source, name, "its name must be valid Unicode");
            }
            if (parser.currentToken() != JsonToken.START_OBJECT) {
                throw new FormatException(source, name, "its entry must be an object");
            }
            Optional<TensorType> type = Optional.empty();
            Optional<long[]> lengths = Optional.empty();
            Optional<long[]> offsets = Optional.empty();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String field = parser.currentName();
                parser.nextToken();
                switch (field) {
                    case "dtype" -> type = Optional.of(type(parser, name));
                    case "shape" -> lengths = Optional.of(integers(parser, name, field, Shape.MAX_RANK));
                    case "data_offsets" -> offsets = Optional.of(integers(parser, name, field, 2));
                    default ->
                        throw new FormatException(
                                source, name, "its entry has the unknown field " + FormatException.quote(field));
                }
            }
            entries.add(entry(
                    name,
                    type.orElseThrow(() -> missing(name, "dtype")),
                    lengths.orElseThrow(() -> missing(name, "shape")),
                    offsets.orElseThrow(() -> missing(name, "data_offsets"))));
        }

        private FormatException missing(String name, String field) {
            return new FormatException(source, name, "its entry has no " + field);
        }

        private TensorType type(JsonParser parser, String name) throws IOException {
            if (parser.currentToken() != JsonToken.VALUE_STRING) {
                throw new FormatException(source, name, "dtype must be a string");
            }
            String wanted = parser.getText();
            for (TensorType type : TensorType.values()) {
                if (dtype(type).equals(wanted)) {
                    return type;
                }
            }
            throw new FormatException(source, name, "dtype " + FormatException.quote(wanted) + " is not supported");
        }

        private long[] integers(JsonParser parser, String name, String field, int limit) throws IOException {
            if (parser.currentToken() != JsonToken.START_ARRAY) {
                throw new FormatException(source, name, field + " must be an array");
            }
            long[] values = new long[limit];
            int count = 0;
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                if (count == limit) {
                    throw new FormatException(source, name, field + " must have <= " + limit + " numbers");
                }
                if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT
                        || parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                        || parser.getLongValue() < 0) {
                    throw new FormatException(source, name, field + " must hold integers from 0 to 2^63-1");
                }
                values[count++] = parser.getLongValue();
            }
            return Arrays.copyOf(values, count);
        }

        private Entry entry(String name, TensorType type, long[] lengths, long[] offsets) {
            if (offsets.length != 2 || offsets[0] > offsets[1]) {
                throw new FormatException(source, name, "data_offsets must be a begin and an end not before it");
            }
            TensorSpec tensor;
            try {
                tensor = new TensorSpec(name, type, Shape.of(lengths), DefaultRoles.of(type));
            } catch (IllegalArgumentException e) {
                throw refused(name, String.valueOf(e.getMessage()));
            }
            long bytes = tensor.byteCount();
            if (offsets[1] - offsets[0] != bytes) {
                throw new FormatException(
                        source,
                        name,
                        "data_offsets must span the " + bytes + " bytes of " + type + " " + tensor.shape() + ", span "
                                + (offsets[1] - offsets[0]));
            }
            return new Entry(tensor, offsets[0], offsets[1]);
        }

        private FormatException refused(String name, String reason) {
            return new FormatException(source, name, reason);
        }

        private void requireContiguous() {
            long end = 0;
            for (Entry entry : entries) {
                if (entry.begin() != end) {
                    throw new FormatException(
                            source,
                            entry.spec().name(),
                            "its data must begin where that of the tensor before it ends, at " + end + ", begins at "
                                    + entry.begin());
                }
                end = entry.end();
            }
        }

        private ModelSpec spec() {
            List<TensorSpec> tensors = new ArrayList<>();
            String roles = metadata.getOrDefault(ROLES, "");
            if (roles.isEmpty()) {
                entries.forEach(entry -> tensors.add(entry.spec()));
                return ModelSpec.of(tensors);
            }
            Map<String, TensorSpec> byName = new LinkedHashMap<>();
            entries.forEach(entry -> byName.put(entry.spec().name(), entry.spec()));
            try (JsonParser parser = factory.createParser(roles)) {
                if (parser.nextToken() != JsonToken.START_OBJECT) {
                    throw new FormatException(source, ROLES + " must be a JSON object");
                }
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String name = parser.currentName();
                    if (parser.nextToken() != JsonToken.VALUE_STRING) {
                        throw new FormatException(source, name, "its role must be a string");
                    }
                    tensors.add(withRole(name, Optional.ofNullable(byName.remove(name)), parser.getText()));
                }
                if (parser.nextToken() != null) {
                    throw new FormatException(source, ROLES + " must end with its JSON object");
                }
            } catch (JsonProcessingException e) {
                throw notJson(ROLES, e);
            } catch (IOException e) {
                throw new UncheckedIOException("reading from a string cannot fail", e);
            }
            if (!byName.isEmpty()) {
                throw new FormatException(source, byName.keySet().iterator().next(), "has no role in " + ROLES);
            }
            return ModelSpec.of(tensors);
        }

        private TensorSpec withRole(String name, Optional<TensorSpec> found, String wanted) {
            TensorSpec tensor = found.orElseThrow(
                    () -> new FormatException(source, name, "has a role in " + ROLES + ", but no entry"));
            for (TensorRole role : TensorRole.values()) {
                if (role.name().toLowerCase(Locale.ROOT).equals(wanted)) {
                    try {
                        return new TensorSpec(name, tensor.type(), tensor.shape(), role);
                    } catch (IllegalArgumentException e) {
                        throw refused(name, "cannot be a " + wanted + ", its type is " + tensor.type());
                    }
                }
            }
            throw new FormatException(source, name, "its role " + FormatException.quote(wanted) + " is unknown");
        }
    }
}
