package io.fedlearn.examples.mnist;

import io.fedlearn.examples.run.FileDigest;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.models.idx.IdxImages;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The images of handwritten digits.
 *
 * @param training to be divided among clients
 * @param test that the coordinator keeps
 * @param digest of the four files together
 */
public record MnistData(IdxImages training, IdxImages test, String digest) {
    private static final String TRAINING_IMAGES = "train-images-idx3-ubyte";
    private static final String TRAINING_LABELS = "train-labels-idx1-ubyte";
    private static final String TEST_IMAGES = "t10k-images-idx3-ubyte";
    private static final String TEST_LABELS = "t10k-labels-idx1-ubyte";

    /** The names of the files, for people. */
    public static final String FILES = TRAINING_IMAGES + ", " + TRAINING_LABELS + ", " + TEST_IMAGES + ", "
            + TEST_LABELS + " (each may end in .gz)";

    /**
     * Reads the four files.
     *
     * @param option by which the folder was given, for messages
     * @throws InputException if there is no such folder, a file is not in it, or what is in them does not fit together
     * @throws io.fedlearn.models.idx.IdxException if a file is not what its name says
     */
    public static MnistData read(String option, Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new InputException(option + " " + directory + " is not a folder");
        }
        List<Path> files = Stream.of(TRAINING_IMAGES, TRAINING_LABELS, TEST_IMAGES, TEST_LABELS)
                .map(name -> find(directory, name))
                .toList();
        IdxImages training = IdxImages.read(files.get(0), files.get(1));
        IdxImages test = IdxImages.read(files.get(2), files.get(3));
        if (training.exampleCount() == 0 || test.exampleCount() == 0) {
            throw new InputException("the files in " + directory + " hold no images");
        }
        if (!training.featureShape().equals(test.featureShape())) {
            throw new InputException("the training images in " + directory + " are " + training.featureShape()
                    + ", the test images " + test.featureShape());
        }
        requireDigits(files.get(1), training);
        requireDigits(files.get(3), test);
        return new MnistData(training, test, FileDigest.of(files));
    }

    private static Path find(Path directory, String name) {
        Path plain = directory.resolve(name);
        Path packed = directory.resolve(name + ".gz");
        if (!Files.exists(plain) && !Files.exists(packed)) {
            throw new InputException(
                    directory + " holds neither " + name + " nor " + name + ".gz; needed are " + FILES);
        }
        return Files.exists(plain) ? plain : packed;
    }

    private static void requireDigits(Path file, IdxImages images) {
        int greatest = IntStream.of(images.classes()).max().orElse(0);
        if (greatest >= MnistModel.CLASSES) {
            throw new InputException(file + " holds a label beyond " + (MnistModel.CLASSES - 1));
        }
    }
}
