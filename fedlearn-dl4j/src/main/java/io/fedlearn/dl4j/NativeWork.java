package io.fedlearn.dl4j;

import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.factory.Nd4j;

/** Where the network's library is entered: what goes wrong in there comes out as an exception that says what to do. */
final class NativeWork {
    private NativeWork() {}

    /**
     * Does something that computes.
     *
     * @param what for messages, such as {@code "while training on 32 examples"}
     * @throws NativeMemoryException if memory off the heap does not suffice
     */
    static <T> T run(Supplier<String> what, Supplier<T> work) {
        Dl4jBackend.prepareThread();
        try {
            return work.get();
        } catch (RuntimeException | Error e) {
            // As it was when memory ran out, before some of it is given back.
            long processBytes = Pointer.physicalBytes();
            abandonWorkspaces(e);
            Optional<Throwable> lack = lackOfMemory(e);
            if (lack.isPresent()) {
                throw new NativeMemoryException(what.get(), processBytes, Pointer.maxPhysicalBytes(), lack.get());
            }
            throw e;
        }
    }

    /** A pass that was broken off leaves its memory open, and the thread could compute nothing more. */
    private static void abandonWorkspaces(Throwable cause) {
        try {
            Nd4j.getMemoryManager().setCurrentWorkspace(null);
            Nd4j.getWorkspaceManager().destroyAllWorkspacesForCurrentThread();
        } catch (RuntimeException | Error e) {
            cause.addSuppressed(e);
        }
    }

    /** Of an error and its causes the one that is for want of memory off the heap, if one is. */
    static Optional<Throwable> lackOfMemory(Throwable thrown) {
        for (Throwable error = thrown; error != null; error = error.getCause()) {
            String message = String.valueOf(error.getMessage());
            boolean ofJava = message.contains("Java heap space")
                    || message.contains("GC overhead")
                    || message.contains("Metaspace")
                    || message.contains("array size")
                    || message.contains("native thread");
            boolean lack = error instanceof OutOfMemoryError
                    || message.contains("Failed to allocate")
                    || message.contains("llocation failed")
                    || message.contains("bad_alloc")
                    || message.contains("Cannot allocate")
                    // As oneDNN says it.
                    || message.contains("could not create a memory")
                    || message.contains("Physical memory usage is too high");
            if (lack && !ofJava) {
                return Optional.of(error);
            }
        }
        return Optional.empty();
    }
}
