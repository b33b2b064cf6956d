package io.fedlearn.dl4j;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Objective;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.FloatBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.LocalDateTime;
import java.util.UUID;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.api.buffer.DataBuffer.AllocationMode;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.shade.jackson.core.JsonProcessingException;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/**
 * A model in the file format of DL4J, a zip with the network's configuration and its parameters, as {@link ModelSerializer}
 * writes and reads it. Immutable.
 *
 * <p>Of a file, only these two are read. Whatever else it holds, such as an updater's state or a normaliser, is left alone:
 * parts of it are serialised Java objects, which may do anything when they are read. The configuration is JSON that names
 * DL4J's own classes; still, read a file of unknown origin only where you would run a program of unknown origin, because a
 * configuration may name any layer class on the class path.
 */
public final class Dl4jModelFile {
    private static final int MAX_JSON_BYTES = 16 << 20;
    // A dimension, a length, a stride and three more numbers for each of at most 32 dimensions.
    private static final int MAX_SHAPE_NUMBERS = 128;
    private static final LocalDateTime NO_TIME = LocalDateTime.of(1980, 1, 1, 0, 0);
    private static final int BLOCK = 8192;

    private final Model model;
    private final Configuration configuration;

    private Dl4jModelFile(Configuration configuration, Model model) {
        this.configuration = configuration;
        this.model = model;
    }

    /** A network's configuration of either kind. */
    private interface Configuration {
        long parameterCount();

        /** A network with these parameters, which it takes over. */
        Network network(INDArray parameters);
    }

    private record LayersConfiguration(MultiLayerConfiguration layers) implements Configuration {
        @Override
        public long parameterCount() {
            return layers.getConfs().stream()
                    .mapToLong(layer -> layer.getLayer().initializer().numParams(layer))
                    .sum();
        }

        @Override
        public Network network(INDArray parameters) {
            return Network.of(layers, parameters);
        }
    }

    private record GraphConfiguration(ComputationGraphConfiguration graph) implements Configuration {
        @Override
        public long parameterCount() {
            return graph.getVertices().values().stream()
                    .mapToLong(vertex -> vertex.numParams(false))
                    .sum();
        }

        @Override
        public Network network(INDArray parameters) {
            return Network.of(graph, parameters);
        }
    }

    /**
     * Writes a model as it is now, with the configuration of its network. The same model gives the same bytes. The file is
     * written aside, brought to the disk and renamed, so that nobody finds half of it.
     */
    public static void write(Dl4jModel model, Path file) throws IOException {
        Path aside = file.resolveSibling(file.getFileName() + "." + UUID.randomUUID() + ".part");
        try {
            try (FileChannel channel =
                    FileChannel.open(aside, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel));
                write(model.network(), out);
                out.flush();
                channel.force(true);
            }
            Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | RuntimeException | Error e) {
            try {
                Files.deleteIfExists(aside);
            } catch (IOException notDeleted) {
                e.addSuppressed(notDeleted);
            }
            throw e;
        }
    }

    private static void write(Network network, OutputStream out) throws IOException {
        ZipOutputStream zip = new ZipOutputStream(out);
        begin(zip, ModelSerializer.CONFIGURATION_JSON);
        zip.write(network.toJson().getBytes(StandardCharsets.UTF_8));
        begin(zip, ModelSerializer.COEFFICIENTS_BIN);
        DataOutputStream data = new DataOutputStream(new BufferedOutputStream(zip));
        INDArray parameters = network.parameters();
        parameters.shapeInfoDataBuffer().write(data);
        data.writeUTF(AllocationMode.MIXED_DATA_TYPES.name());
        data.writeLong(parameters.length());
        data.writeUTF(DataType.FLOAT.name());
        FloatBuffer values = Network.floats(parameters);
        for (int i = 0; i < parameters.length(); i++) {
            data.writeFloat(values.get(i));
        }
        data.flush();
        zip.finish();
    }

    private static void begin(ZipOutputStream zip, String name) throws IOException {
        ZipEntry entry = new ZipEntry(name);
        entry.setTimeLocal(NO_TIME);
        zip.putNextEntry(entry);
    }

    /**
     * Reads a model file whole.
     *
     * @throws InvalidModelFileException if it is not a model file of DL4J, is damaged, or its network cannot be a
     *     {@link Dl4jModel}
     */
    public static Dl4jModelFile read(Path file) throws IOException {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            Configuration configuration = configuration(file, json(file, zip));
            try (DataInputStream data = open(file, zip, ModelSerializer.COEFFICIENTS_BIN)) {
                return NativeWork.run(() -> "while reading " + file, () -> read(file, configuration, data));
            }
        } catch (ZipException e) {
            throw new InvalidModelFileException(file, "it must be a zip file, and is not or is cut short", e);
        }
    }

    /**
     * Reads the values of a model file for a network that is at hand.
     *
     * @throws InvalidModelFileException also if the file holds another network, naming the first tensor that differs
     */
    public static Model read(Path file, Dl4jModel network) throws IOException {
        Model model = read(file).model();
        try {
            network.requireSpec(model.spec());
        } catch (IllegalArgumentException e) {
            throw new InvalidModelFileException(file, "it holds another network: " + e.getMessage(), e);
        }
        return model;
    }

    /** The parameters, named as {@link Dl4jModel} says. */
    public Model model() {
        return model;
    }

    /** A builder for models that start as the file has it. */
    public Dl4jModel.Builder builder(Shape featureShape, Objective objective) {
        return Dl4jModel.builder(
                featureShape,
                objective,
                seed -> {
                    INDArray values = Nd4j.create(DataType.FLOAT, configuration.parameterCount());
                    Network network = configuration.network(values);
                    Parameters.of(network).load(model, Network.floats(values));
                    return network;
                },
                false);
    }

    private static String json(Path file, ZipFile zip) throws IOException {
        try (InputStream in = open(file, zip, ModelSerializer.CONFIGURATION_JSON)) {
            byte[] bytes = in.readNBytes(MAX_JSON_BYTES + 1);
            if (bytes.length > MAX_JSON_BYTES) {
                throw new InvalidModelFileException(
                        file, "its configuration must take at most " + MAX_JSON_BYTES + " bytes, takes more");
            }
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    private static DataInputStream open(Path file, ZipFile zip, String name) throws IOException {
        ZipEntry entry = zip.getEntry(name);
        if (entry == null) {
            throw new InvalidModelFileException(file, "it is a zip file without " + name + ", so no model of DL4J");
        }
        return new DataInputStream(new BufferedInputStream(zip.getInputStream(entry)));
    }

    private static Configuration configuration(Path file, String json) {
        try {
            JsonNode tree = new ObjectMapper().readTree(json);
            return tree.has("vertices")
                    ? new GraphConfiguration(ComputationGraphConfiguration.fromJson(json))
                    : new LayersConfiguration(MultiLayerConfiguration.fromJson(json));
        } catch (JsonProcessingException | RuntimeException e) {
            throw new InvalidModelFileException(
                    file, "its configuration is not one that DL4J understands: " + firstLine(e), e);
        }
    }

    private static String firstLine(Throwable error) {
        return String.valueOf(error.getMessage()).lines().findFirst().orElse("");
    }

    private static Dl4jModelFile read(Path file, Configuration configuration, DataInputStream data) {
        try {
            long count = requireHeader(file, data);
            long expected = configuration.parameterCount();
            if (count != expected || count > Network.MAX_PARAMETERS) {
                throw new InvalidModelFileException(
                        file, "its network has " + expected + " parameters, it holds " + count);
            }
            INDArray parameters = Nd4j.createUninitialized(DataType.FLOAT, count);
            try {
                readValues(data, Network.floats(parameters), (int) count);
                Network network = configuration.network(parameters);
                network.requireTrainable();
                Model model = Parameters.of(network).snapshot(Network.floats(parameters));
                return new Dl4jModelFile(configuration, model);
            } finally {
                parameters.close();
            }
        } catch (EOFException e) {
            throw new InvalidModelFileException(file, "its parameters are cut short", e);
        } catch (IOException e) {
            throw new InvalidModelFileException(file, "its parameters cannot be read: " + e.getMessage(), e);
        } catch (IllegalArgumentException | IllegalStateException e) {
            throw new InvalidModelFileException(file, "its network cannot be used: " + e.getMessage(), e);
        }
    }

    /** Reads what stands before the values: the shape, then their number and type. */
    private static long requireHeader(Path file, DataInputStream data) throws IOException {
        long numbers = length(file, data);
        // The first releases wrote shapes as INT.
        String type = data.readUTF();
        int bytes = type.equals("LONG") ? Long.BYTES : type.equals("INT") ? Integer.BYTES : 0;
        if (numbers < 0 || numbers > MAX_SHAPE_NUMBERS || bytes == 0) {
            throw new InvalidModelFileException(file, "its parameters have no shape");
        }
        data.skipNBytes(numbers * bytes);
        long count = length(file, data);
        String values = data.readUTF();
        if (!values.equals(DataType.FLOAT.name())) {
            throw new InvalidModelFileException(file, "its parameters must be of type FLOAT, are of " + values);
        }
        return count;
    }

    private static long length(Path file, DataInputStream data) throws IOException {
        return switch (data.readUTF()) {
            // As the first releases wrote.
            case "DIRECT", "HEAP", "JAVACPP" -> data.readInt();
            case "LONG_SHAPE", "MIXED_DATA_TYPES" -> data.readLong();
            default -> throw new InvalidModelFileException(file, "its parameters are not an array of ND4J");
        };
    }

    private static void readValues(DataInputStream data, FloatBuffer values, int count) throws IOException {
        byte[] bytes = new byte[BLOCK * Float.BYTES];
        for (int done = 0; done < count; ) {
            int block = Math.min(BLOCK, count - done);
            data.readFully(bytes, 0, block * Float.BYTES);
            values.put(done, java.nio.ByteBuffer.wrap(bytes).asFloatBuffer(), 0, block);
            done += block;
        }
    }
}
