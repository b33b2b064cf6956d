package io.fedlearn.testkit.contract;

import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.tensor.Model;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Contexts for calling a client without a runtime. */
final class Contexts {
    private Contexts() {}

    /** A context without state, whose task is never cancelled. */
    static TaskContext idle() {
        return of(new Memory());
    }

    /** A context with this state, whose task is never cancelled. */
    static TaskContext of(ClientState state) {
        return new TaskContext() {
            @Override
            public ClientState state() {
                return state;
            }

            @Override
            public void progress(long done, long total) {}

            @Override
            public boolean isCancelled() {
                return false;
            }
        };
    }

    /** A client's state of which a test says when a round is accepted. Confined to one thread at a time. */
    static final class Memory implements ClientState {
        private final Map<String, Model> accepted = new TreeMap<>();
        private final Map<String, Model> pending = new TreeMap<>();

        @Override
        public Optional<Model> load(String name) {
            return Optional.ofNullable(accepted.get(name));
        }

        @Override
        public void save(String name, Model value) {
            pending.put(name, value);
        }

        /** What was saved counts from now on, as after a round whose update entered the model. */
        Memory accept() {
            accepted.putAll(Bits.copyOf(pending));
            pending.clear();
            return this;
        }

        /** What was saved is forgotten, as after a round whose update came late. */
        Memory reject() {
            pending.clear();
            return this;
        }

        /** All that counts now. */
        Map<String, Model> values() {
            return Bits.copyOf(accepted);
        }

        /** A state with the same values. */
        Memory copy() {
            Memory copy = new Memory();
            copy.accepted.putAll(Bits.copyOf(accepted));
            return copy;
        }
    }
}
