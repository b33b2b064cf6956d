package io.fedlearn.examples.luna16;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.dl4j.Dl4jModel;
import io.fedlearn.dl4j.Dl4jModelFile;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.formats.safetensors.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A trained network in a file: a run's safetensors, or a zip of DL4J's own. */
final class ModelFile {
    private ModelFile() {}

    /**
     * Reads a model.
     *
     * @param option that named the file, for messages
     * @throws InputException if there is none, or it is of another network than the settings'
     */
    static Model read(String option, Path file, NetworkSettings settings) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new InputException(option + " " + file + " is not a file");
        }
        Dl4jModel network = settings.network().create();
        Model values = file.toString().endsWith(".zip")
                ? Dl4jModelFile.read(file, network)
                : Safetensors.read(file).model();
        if (!values.spec().equals(network.spec())) {
            throw new InputException(option + " " + file + " is of another network than its run's " + settings.network()
                    + ": " + difference(network.spec(), values.spec()));
        }
        return values;
    }

    private static String difference(ModelSpec wanted, ModelSpec present) {
        for (int i = 0; i < wanted.size(); i++) {
            if (i >= present.size()) {
                return "it has no tensor " + wanted.tensors().get(i);
            }
            if (!present.tensors().get(i).equals(wanted.tensors().get(i))) {
                return "tensor " + (i + 1) + " should be " + wanted.tensors().get(i) + ", is "
                        + present.tensors().get(i);
            }
        }
        return "it has " + present.size() + " tensors, not " + wanted.size();
    }
}
