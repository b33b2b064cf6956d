package io.fedlearn.examples.doctor;

import io.fedlearn.dl4j.BackendMissingException;
import io.fedlearn.dl4j.Dl4jBackend;
import io.fedlearn.dl4j.NativeMemoryException;
import io.fedlearn.examples.doctor.Check.Area;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;

/** What computes: ND4J's backend, accelerators, native memory. */
final class NetworkChecks {
    /** A class of ND4J's CUDA backend. */
    static final String CUDA_BACKEND = "org/nd4j/linalg/jcublas/JCublasBackend.class";

    private static final String ND4J = "ND4J";
    private static final String GUIDE = "docs/dl4j.md, \"CUDA\", says how";
    private static final long UNLIMITED = 0;

    private NetworkChecks() {}

    static Check backend(Supplier<Dl4jBackend> present) {
        try {
            return backend(present.get());
        } catch (BackendMissingException e) {
            return Check.failed(
                    Area.NETWORKS,
                    ND4J,
                    String.valueOf(e.getMessage()),
                    "build for this platform: mvn -Dfedlearn.nd4j.classifier=PLATFORM package, as docs/dl4j.md says");
        } catch (NativeMemoryException e) {
            return Check.failed(
                    Area.NETWORKS,
                    ND4J,
                    String.valueOf(e.getMessage()),
                    "allow more: FEDLEARN_JAVA_OPTS=-Dorg.bytedeco.javacpp.maxphysicalbytes=6g");
        }
    }

    static Check backend(Dl4jBackend backend) {
        return backend.warning()
                .map(warning -> Check.warning(
                        Area.NETWORKS,
                        ND4J,
                        backend.toString(),
                        warning + "; docs/dl4j.md says which build is for which machine"))
                .orElseGet(() -> Check.ok(Area.NETWORKS, ND4J, backend.toString()));
    }

    /** How much memory native code and heap may take together, of which the heap has a part. */
    static Check nativeMemory(long limit, long heap) {
        if (limit == UNLIMITED) {
            return Check.ok(Area.NETWORKS, "native memory", "without a limit");
        }
        String detail = "heap and native memory take up to " + MachineChecks.gibibytes(limit) + " together";
        return limit > heap
                ? Check.ok(Area.NETWORKS, "native memory", detail)
                : Check.warning(
                        Area.NETWORKS,
                        "native memory",
                        detail + ", all of which the heap may take",
                        "give a larger limit than -Xmx: FEDLEARN_JAVA_OPTS=-Dorg.bytedeco.javacpp.maxphysicalbytes=6g");
    }

    /** What JavaCPP allows. */
    static long nativeLimit() {
        return Pointer.maxPhysicalBytes();
    }

    /**
     * @param driver what the driver says of itself, if there is one
     * @param library whether ND4J's CUDA backend is on the class path
     * @param used whether it is what computes
     */
    static Check cuda(Optional<String> driver, boolean library, boolean used) {
        if (used) {
            return Check.ok(Area.NETWORKS, "CUDA", driver.orElse("in use"));
        }
        if (driver.isEmpty()) {
            return Check.absent(
                    Area.NETWORKS,
                    "CUDA",
                    library
                            ? "ND4J's CUDA backend is there, a driver is not"
                            : "neither a driver nor ND4J's CUDA backend",
                    "networks train on the processor without it; with a device, install its driver and CUDA 11.6; "
                            + GUIDE);
        }
        return library
                ? Check.warning(
                        Area.NETWORKS,
                        "CUDA",
                        driver.get() + "; ND4J's CUDA backend is there and not in use",
                        "install CUDA 11.6, which that backend is for; " + GUIDE)
                : Check.absent(
                        Area.NETWORKS,
                        "CUDA",
                        driver.get() + "; ND4J's CUDA backend is not there",
                        "put org.nd4j:nd4j-cuda-11.6 beside ND4J's native backend; " + GUIDE);
    }
}
