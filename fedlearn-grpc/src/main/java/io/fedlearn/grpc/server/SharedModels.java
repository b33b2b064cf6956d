package io.fedlearn.grpc.server;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.proto.v1.Payload;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The models of open tasks by digest: each is described once, however many clients it goes to, and let go of with the last task
 * that holds it. Thread-safe.
 */
final class SharedModels {
    private final int inlineBytes;
    // Guards shelf. Never held while a digest is computed.
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Shared> shelf = new HashMap<>();

    /** A model that tasks share. */
    static final class Shared {
        private final EncodedModel model;
        private final Payload payload;
        // Guarded by lock.
        private int tasks;

        private Shared(EncodedModel model, int inlineBytes) {
            this.model = model;
            this.payload = model.payload(inlineBytes);
        }

        EncodedModel model() {
            return model;
        }

        /** How offers name it. */
        Payload payload() {
            return payload;
        }
    }

    /** @param inlineBytes models of at most so many bytes travel within the offer */
    SharedModels(int inlineBytes) {
        this.inlineBytes = inlineBytes;
    }

    /** The shared form of a model, for one task more. */
    Shared take(Model model) {
        String digest = model.digest();
        Optional<Shared> known = count(digest);
        if (known.isPresent()) {
            return known.get();
        }
        Shared fresh = new Shared(EncodedModel.of(model), inlineBytes);
        lock.lock();
        try {
            Shared shared = shelf.getOrDefault(digest, fresh);
            shelf.put(digest, shared);
            shared.tasks++;
            return shared;
        } finally {
            lock.unlock();
        }
    }

    private Optional<Shared> count(String digest) {
        lock.lock();
        try {
            Optional<Shared> known = Optional.ofNullable(shelf.get(digest));
            known.ifPresent(shared -> shared.tasks++);
            return known;
        } finally {
            lock.unlock();
        }
    }

    /** One task less holds this model. */
    void release(Model model) {
        String digest = model.digest();
        lock.lock();
        try {
            Shared shared = shelf.get(digest);
            if (shared != null && --shared.tasks == 0) {
                shelf.remove(digest);
            }
        } finally {
            lock.unlock();
        }
    }

    /** The model of this digest, if an open task holds it. */
    Optional<EncodedModel> find(String digest) {
        lock.lock();
        try {
            return Optional.ofNullable(shelf.get(digest)).map(Shared::model);
        } finally {
            lock.unlock();
        }
    }

    /** How many models are held. */
    int size() {
        lock.lock();
        try {
            return shelf.size();
        } finally {
            lock.unlock();
        }
    }
}
