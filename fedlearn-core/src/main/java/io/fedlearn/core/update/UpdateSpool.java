package io.fedlearn.core.update;

import io.fedlearn.core.FedLearnException;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorData;
import io.fedlearn.core.tensor.TensorSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One file in which the tensors of updates wait instead of on the heap. It is made when first needed and gone when the spool is
 * closed, or its process dies. Thread-safe.
 *
 * <p>Updates that came from the spool read from its file, and only until it is closed.
 */
public final class UpdateSpool implements AutoCloseable {
    private static final int BLOCK = 1 << 16;

    private final Optional<Path> directory;
    // Guards channel, size and closed.
    private final ReentrantLock lock = new ReentrantLock();
    private Optional<FileChannel> channel = Optional.empty();
    private long size;
    private boolean closed;

    private UpdateSpool(Optional<Path> directory) {
        this.directory = directory;
    }

    /** A spool in the system's directory for temporary files. */
    public static UpdateSpool inTemporaryDirectory() {
        return new UpdateSpool(Optional.empty());
    }

    /** A spool in this directory, which must exist. */
    public static UpdateSpool in(Path directory) {
        return new UpdateSpool(Optional.of(directory));
    }

    /** Thrown when the spool's file cannot be written or read: the disk is full, or the directory is gone. */
    public static final class SpoolException extends FedLearnException {
        private static final long serialVersionUID = 1L;

        SpoolException(String message, IOException cause) {
            super(message, cause);
        }
    }

    /**
     * An equal update whose tensors lie in the spool's file.
     *
     * @throws SpoolException if it cannot be written, or the spool is closed
     */
    public ClientUpdate write(ClientUpdate update) {
        // A channel closes itself, for all who use it, under a thread that is interrupted: a client may have left its
        // so.
        boolean isInterrupted = Thread.interrupted();
        try {
            return writeAll(update);
        } finally {
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private ClientUpdate writeAll(ClientUpdate update) {
        ClientUpdate result = update;
        if (update.model().isPresent()) {
            result = result.withModel(update.form(), write(update.model().get()));
        }
        for (Map.Entry<String, Model> group : update.tensors().entrySet()) {
            result = result.withTensors(group.getKey(), write(group.getValue()));
        }
        return result;
    }

    private Model write(Model model) {
        List<Tensor> tensors = new ArrayList<>();
        ByteBuffer buffer = ByteBuffer.allocateDirect(BLOCK);
        try {
            for (Tensor tensor : model.tensors()) {
                Region region = reserve(tensor.byteCount());
                long position = region.start;
                for (long done = 0; done < tensor.elementCount(); ) {
                    done += tensor.encodeTo(done, buffer.clear());
                    buffer.flip();
                    while (buffer.hasRemaining()) {
                        position += region.file.write(buffer, position);
                    }
                }
                tensors.add(Tensor.of(tensor.type(), tensor.shape(), region));
            }
        } catch (IOException e) {
            throw new SpoolException("a client update cannot be spooled to " + place() + ": " + e.getMessage(), e);
        }
        return Model.of(model.spec(), tensors);
    }

    private String place() {
        return directory.map(Path::toString).orElse("the directory for temporary files");
    }

    /**
     * A place in the spool's file for the values of a tensor that are still to come.
     *
     * @throws SpoolException if there can be none, or the spool is closed
     */
    public Place reserve(TensorSpec tensor) {
        try {
            return new Place(tensor, reserve(tensor.byteCount()));
        } catch (IOException e) {
            throw new SpoolException("a client update cannot be spooled to " + place() + ": " + e.getMessage(), e);
        }
    }

    /** Room for one tensor's values, little-endian and row-major. Confined to one thread at a time. */
    public final class Place {
        private final TensorSpec tensor;
        private final Region region;

        private Place(TensorSpec tensor, Region region) {
            this.tensor = tensor;
            this.region = region;
        }

        /**
         * Writes the rest of {@code littleEndian} from the tensor's byte {@code byteOffset} on.
         *
         * @throws SpoolException if it cannot be written, or the spool is closed
         */
        public void write(long byteOffset, ByteBuffer littleEndian) {
            Objects.checkFromIndexSize(byteOffset, (long) littleEndian.remaining(), tensor.byteCount());
            boolean isInterrupted = Thread.interrupted();
            try {
                long position = region.start + byteOffset;
                while (littleEndian.hasRemaining()) {
                    position += region.file.write(littleEndian, position);
                }
            } catch (IOException e) {
                throw new SpoolException("a client update cannot be spooled to " + place() + ": " + e.getMessage(), e);
            } finally {
                if (isInterrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }

        /** The tensor, whose values are those that were written. */
        public Tensor tensor() {
            return Tensor.of(tensor.type(), tensor.shape(), region);
        }
    }

    private Region reserve(long bytes) throws IOException {
        lock.lock();
        try {
            if (closed) {
                throw new ClosedChannelException();
            }
            if (channel.isEmpty()) {
                Path file = directory.isPresent()
                        ? Files.createTempFile(directory.get(), "updates-", ".spool")
                        : Files.createTempFile("updates-", ".spool");
                channel = Optional.of(FileChannel.open(
                        file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE));
            }
            long start = size;
            size += bytes;
            return new Region(channel.get(), start);
        } finally {
            lock.unlock();
        }
    }

    /** How many bytes have been written so far. */
    public long byteCount() {
        lock.lock();
        try {
            return size;
        } finally {
            lock.unlock();
        }
    }

    /** Deletes the file. Closing again does nothing. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            if (channel.isPresent()) {
                channel.get().close();
                channel = Optional.empty();
            }
        } catch (IOException e) {
            throw new SpoolException("the spool in " + place() + " cannot be closed", e);
        } finally {
            lock.unlock();
        }
    }

    private record Region(FileChannel file, long start) implements TensorData {
        @Override
        public void read(long byteOffset, ByteBuffer target) {
            long position = start + byteOffset;
            boolean isInterrupted = Thread.interrupted();
            try {
                while (target.hasRemaining()) {
                    int count = file.read(target, position);
                    if (count < 0) {
                        throw new IOException("the file ends early");
                    }
                    position += count;
                }
            } catch (IOException e) {
                throw new SpoolException("a spooled client update cannot be read: " + e.getMessage(), e);
            } finally {
                if (isInterrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }
}
