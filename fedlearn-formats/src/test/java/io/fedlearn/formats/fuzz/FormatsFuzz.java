package io.fedlearn.formats.fuzz;

import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.ReadLimits;
import io.fedlearn.formats.numpy.Npy;
import io.fedlearn.formats.numpy.Npz;
import io.fedlearn.formats.safetensors.Safetensors;
import io.fedlearn.testkit.fuzz.DecoderFuzz;
import java.io.ByteArrayInputStream;
import java.util.List;

/** The readers of files, as a fuzzer calls them. Each has limits small enough to be met. */
public final class FormatsFuzz {
    private static final int MIB = 1 << 20;
    private static final ReadLimits LIMITS =
            ReadLimits.defaults().withMaxHeaderBytes(1 << 16).withMaxTensors(64).withMaxHeapBytes(MIB);

    private FormatsFuzz() {}

    /** {@code .npy}: values may take a MiB, and reading them no more than a few copies of what has come. */
    public static final class NpyTarget {
        static final DecoderFuzz FUZZ =
                DecoderFuzz.of(input -> Npy.decode(input, "input", LIMITS), List.of(FormatException.class), MIB, 64);

        private NpyTarget() {}

        /** Called by the fuzzer. */
        public static void fuzzerTestOneInput(byte[] input) {
            FUZZ.check(input);
        }
    }

    /** {@code .npz}: zip makes much out of little, so the bound is that of the limits, some copies and the window. */
    public static final class NpzTarget {
        static final DecoderFuzz FUZZ = DecoderFuzz.of(
                input -> Npz.read(new ByteArrayInputStream(input), "input", LIMITS),
                List.of(FormatException.class),
                16 * MIB,
                2048);

        private NpzTarget() {}

        /** Called by the fuzzer. */
        public static void fuzzerTestOneInput(byte[] input) {
            FUZZ.check(input);
        }
    }

    /** Safetensors. */
    public static final class SafetensorsTarget {
        static final DecoderFuzz FUZZ = DecoderFuzz.of(
                input -> {
                    try (var file = Safetensors.read(new ByteArrayInputStream(input), "input", LIMITS)) {
                        file.model();
                    }
                },
                List.of(FormatException.class),
                MIB,
                256);

        private SafetensorsTarget() {}

        /** Called by the fuzzer. */
        public static void fuzzerTestOneInput(byte[] input) {
            FUZZ.check(input);
        }
    }
}
