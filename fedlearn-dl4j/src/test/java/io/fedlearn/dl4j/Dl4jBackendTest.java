package io.fedlearn.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.TrainingSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.nd4j.nativeblas.NativeOpsHolder;

class Dl4jBackendTest {
    private final int threads = Dl4jBackend.present().threads();

    @AfterEach
    void restoreThreads() {
        Dl4jBackend.useThreads(threads);
    }

    @Test
    void saysWhatWasLoaded() {
        Dl4jBackend backend = Dl4jBackend.present();

        assertThat(backend.name()).isEqualTo("CPU");
        assertThat(backend.build()).contains("-");
        assertThat(backend.version()).isEqualTo("1.0.0-M2.1");
        assertThat(backend.oneDnn()).isEqualTo(backend.build().contains("onednn"));
        assertThat(backend.toString())
                .startsWith("ND4J 1.0.0-M2.1 on CPU: " + backend.build())
                .endsWith(backend.threads() + (backend.threads() == 1 ? " thread" : " threads"));
    }

    @Test
    void warnsOfBuildsWithoutOneDnn() {
        assertThat(new Dl4jBackend("CPU", "linux-x86_64", "1", false, "generic", 1)
                        .warning()
                        .orElseThrow())
                .contains("no oneDNN")
                .contains("-onednn-avx2 of org.nd4j:nd4j-native");
        assertThat(new Dl4jBackend("CPU", "linux-x86_64-onednn-avx2", "1", true, "AVX2", 1).warning())
                .isEmpty();
        assertThat(new Dl4jBackend("CUDA", "linux-x86_64", "1", false, "generic", 1).warning())
                .isEmpty();
    }

    @Test
    void warnsOfMoreThreadsThanCores() {
        assertThat(new Dl4jBackend("CPU", "linux-x86_64-onednn-avx2", "1", true, "AVX2", 1024)
                        .warning()
                        .orElseThrow())
                .contains("its 1024 threads share");
    }

    @Test
    void refusesANumberOfThreadsThatCannotBe() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Dl4jBackend.useThreads(0))
                .withMessage("threads must be in [1, 1024], were 0");
    }

    private static Model trained() {
        Dl4jModel model = Dl4jModel.of(Networks.convolutional(), Networks.VOLUME, Objective.BINARY);
        model.load(model.initialModel(1));
        model.startTraining(TrainingSettings.defaults(), 1);
        float[] gradient = new float[model.trainables().length];
        for (int step = 0; step < 5; step++) {
            model.lossAndGradient(Dl4jModelTest.batch(9, 144, 2, step), gradient);
            model.applyGradient(gradient);
        }
        return model.snapshot();
    }

    private static int threadsOfThisThread() {
        return NativeOpsHolder.getInstance().getDeviceNativeOps().ompGetMaxThreads();
    }

    @Test
    void computesTheSameBitsOnWhateverThread() throws Exception {
        for (int count : new int[] {1, 2, 3}) {
            Dl4jBackend.useThreads(count);
            Model expected = trained();
            assertThat(threadsOfThisThread()).isEqualTo(count);
            ExecutorService threads = Executors.newFixedThreadPool(2);
            try {
                List<Callable<Model>> tasks = new ArrayList<>();
                for (int other : new int[] {1, 2, 4, 1}) {
                    tasks.add(() -> {
                        // As another user of the library may leave it.
                        NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(other);
                        return trained();
                    });
                }
                for (var model : threads.invokeAll(tasks)) {
                    assertThat(model.get()).isEqualTo(expected);
                }
            } finally {
                threads.shutdown();
            }
        }
    }
}
