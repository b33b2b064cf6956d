package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.InMemoryRunStore;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class RunStoreContractTest {
    @Nested
    class OnMemory extends InMemory {
        @Override
        protected RunStore open() {
            return InMemoryRunStore.create();
        }
    }

    /** A place that outlives its stores, as a folder does; copies all it is given, and notices damage. */
    private static final class Place {
        private final List<Checkpoint> checkpoints = new ArrayList<>();
        private Optional<RunHeader> header = Optional.empty();
        private int best = -1;
        private int damaged = -1;
        private boolean open;

        RunStore open() {
            if (open) {
                throw new RunStoreException("the run is open already");
            }
            open = true;
            return new Opened();
        }

        private static Checkpoint copy(Checkpoint checkpoint) {
            try {
                return new Checkpoint(
                        checkpoint.round(), Bits.copyOf(checkpoint.model()), checkpoint.states(), checkpoint.record());
            } catch (RuntimeException e) {
                throw new RunStoreException("the model cannot be read", e);
            }
        }

        private final class Opened implements RunStore {
            private boolean closed;

            @Override
            public synchronized Optional<SavedRun> load() {
                if (header.isEmpty()) {
                    return Optional.empty();
                }
                List<String> notices = new ArrayList<>();
                if (damaged >= 0) {
                    checkpoints.remove(damaged);
                    notices.add("checkpoint " + damaged + " is damaged");
                    damaged = -1;
                }
                return Optional.of(new SavedRun(
                        header.get(),
                        checkpoints.get(checkpoints.size() - 1),
                        checkpoints.stream()
                                .flatMap(checkpoint -> checkpoint.record().stream())
                                .toList(),
                        notices));
            }

            @Override
            public synchronized void create(RunHeader runHeader, Checkpoint initial) {
                if (header.isPresent()) {
                    throw new RunStoreException("there is a run already");
                }
                checkpoints.add(copy(initial));
                header = Optional.of(runHeader);
            }

            @Override
            public synchronized void commit(Checkpoint checkpoint, boolean isBest) {
                if (header.isEmpty() || checkpoint.round() != checkpoints.size()) {
                    throw new RunStoreException("not the next round");
                }
                checkpoints.add(copy(checkpoint));
                best = isBest ? checkpoint.round() : best;
            }

            @Override
            public synchronized Optional<Model> model(int round) {
                return round == best || round == checkpoints.size() - 1
                        ? Optional.of(checkpoints.get(round).model())
                        : Optional.empty();
            }

            @Override
            public void close() {
                if (!closed) {
                    closed = true;
                    open = false;
                }
            }
        }
    }

    @Nested
    class OnAPlaceThatLasts extends RunStoreContract {
        private final Place place = new Place();

        @Override
        protected RunStore open() {
            return place.open();
        }

        @Override
        protected boolean damageNewestCheckpoint() {
            place.damaged = place.checkpoints.size() - 1;
            return true;
        }
    }

    abstract static class InMemory extends RunStoreContract {
        @Override
        protected boolean isDurable() {
            return false;
        }

        @Override
        protected boolean isExclusive() {
            return false;
        }
    }

    /** Hands everything on; open so that tests can break it. */
    private static class Passing implements RunStore {
        final RunStore store = InMemoryRunStore.create();

        @Override
        public Optional<SavedRun> load() {
            return store.load();
        }

        @Override
        public void create(RunHeader header, Checkpoint initial) {
            store.create(header, initial);
        }

        @Override
        public void commit(Checkpoint checkpoint, boolean best) {
            store.commit(checkpoint, best);
        }

        @Override
        public Optional<Model> model(int round) {
            return store.model(round);
        }

        @Override
        public void close() {
            store.close();
        }
    }

    @FailsOnPurpose
    static class LosesTheRunWhenClosed extends RunStoreContract {
        @Override
        protected RunStore open() {
            return InMemoryRunStore.create();
        }
    }

    @FailsOnPurpose
    static class LosesBits extends InMemory {
        @Override
        protected RunStore open() {
            return new Passing() {
                @Override
                public void commit(Checkpoint checkpoint, boolean best) {
                    List<Tensor> tensors = new ArrayList<>();
                    for (Tensor tensor : checkpoint.model().tensors()) {
                        // Adding 0 makes -0 a 0: all that an equality of numbers would not notice.
                        if (tensor.type() == TensorType.FLOAT64) {
                            double[] values = tensor.toDoubleArray();
                            for (int j = 0; j < values.length; j++) {
                                values[j] += 0.0;
                            }
                            tensors.add(Tensor.rounded(tensor.type(), tensor.shape(), values));
                        } else {
                            tensors.add(tensor);
                        }
                    }
                    Model model = Model.of(checkpoint.model().spec(), tensors);
                    super.commit(
                            new Checkpoint(checkpoint.round(), model, checkpoint.states(), checkpoint.record()), best);
                }
            };
        }
    }

    @FailsOnPurpose
    static class LosesStates extends InMemory {
        @Override
        protected RunStore open() {
            return new Passing() {
                @Override
                public void commit(Checkpoint checkpoint, boolean best) {
                    super.commit(
                            new Checkpoint(checkpoint.round(), checkpoint.model(), Map.of(), checkpoint.record()),
                            best);
                }
            };
        }
    }

    @FailsOnPurpose
    static class ForgetsTheBest extends InMemory {
        @Override
        protected RunStore open() {
            return new Passing() {
                @Override
                public void commit(Checkpoint checkpoint, boolean best) {
                    super.commit(checkpoint, false);
                }
            };
        }
    }

    @FailsOnPurpose
    static class CreatesTwice extends InMemory {
        @Override
        protected RunStore open() {
            return new Passing() {
                private RunStore current = store;

                @Override
                public void create(RunHeader header, Checkpoint initial) {
                    current = InMemoryRunStore.create();
                    current.create(header, initial);
                }

                @Override
                public Optional<SavedRun> load() {
                    return current.load();
                }

                @Override
                public void commit(Checkpoint checkpoint, boolean best) {
                    current.commit(checkpoint, best);
                }

                @Override
                public Optional<Model> model(int round) {
                    return current.model(round);
                }
            };
        }
    }

    @FailsOnPurpose
    static class GivesTheLatestModelForAnyRound extends InMemory {
        @Override
        protected RunStore open() {
            return new Passing() {
                @Override
                public Optional<Model> model(int round) {
                    return load().map(run -> run.latest().model());
                }
            };
        }
    }

    @FailsOnPurpose
    static class LoadsDamage extends RunStoreContract {
        private final Place place = new Place();

        @Override
        protected RunStore open() {
            return place.open();
        }

        @Override
        protected boolean damageNewestCheckpoint() {
            int last = place.checkpoints.size() - 1;
            Checkpoint newest = place.checkpoints.get(last);
            Model zeros = Model.zeros(newest.model().spec());
            place.checkpoints.set(last, new Checkpoint(last, zeros, newest.states(), newest.record()));
            return true;
        }
    }

    @Test
    void findsRunsThatAreLost() {
        assertThat(SuiteRun.failures(LosesTheRunWhenClosed.class))
                .contains("createsARun", "commitsRounds", "keepsEveryBit", "isOpenOnce");
    }

    @Test
    void findsLostBits() {
        assertThat(SuiteRun.failures(LosesBits.class)).contains("keepsEveryBit", "commitsRounds");
    }

    @Test
    void findsLostStates() {
        assertThat(SuiteRun.failures(LosesStates.class)).contains("keepsEveryBit", "keepsLargeModels");
    }

    @Test
    void findsAForgottenBest() {
        assertThat(SuiteRun.failures(ForgetsTheBest.class)).containsExactly("keepsTheBestModel");
    }

    @Test
    void findsRunsThatAreOverwritten() {
        assertThat(SuiteRun.failures(CreatesTwice.class)).containsExactly("refusesToCreateTwice");
    }

    @Test
    void findsAnotherRoundsModel() {
        assertThat(SuiteRun.failures(GivesTheLatestModelForAnyRound.class)).contains("neverGivesAnotherRoundsModel");
    }

    @Test
    void findsDamageThatIsLoaded() {
        assertThat(SuiteRun.failures(LoadsDamage.class)).containsExactly("passesOverADamagedCheckpoint");
    }
}
