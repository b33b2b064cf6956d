package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Task;
import io.fedlearn.testkit.runtime.ShuffledRuntime;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class RuntimeContractTest {
    @Nested
    class OnShuffled extends RuntimeContract {
        @Override
        protected Runtime start(Map<String, Client> clients, ClientStateStore states) {
            return ShuffledRuntime.builder(inProcess(clients, states), 1)
                    .withPatience(Duration.ofMillis(1))
                    .build();
        }

        @Override
        protected OptionalInt parallelism() {
            return OptionalInt.of(2);
        }
    }

    private static Runtime inProcess(Map<String, Client> clients, ClientStateStore states) {
        return InProcessRuntime.builder(clients)
                .parallelism(2)
                .clientStates(states)
                .build();
    }

    /** Hands everything on; open so that tests can break it. */
    private static class Passing implements Runtime {
        final Runtime runtime;

        Passing(Map<String, Client> clients, ClientStateStore states) {
            this(inProcess(clients, states));
        }

        Passing(Runtime runtime) {
            this.runtime = runtime;
        }

        @Override
        public List<ClientInfo> clients() {
            return runtime.clients();
        }

        @Override
        public Set<Capability> capabilities() {
            return runtime.capabilities();
        }

        @Override
        public boolean awaitClients(int count, Duration timeout) throws InterruptedException {
            return runtime.awaitClients(count, timeout);
        }

        @Override
        public void submit(Task task, TaskListener listener) {
            runtime.submit(task, new TaskListener() {
                @Override
                public void started(Task started) {
                    Passing.this.started(started, listener);
                }

                @Override
                public void progress(Task running, long done, long total) {
                    listener.progress(running, done, total);
                }

                @Override
                public void finished(Task finished, ClientOutcome outcome) {
                    Passing.this.finished(finished, outcome, listener);
                }
            });
        }

        void started(Task task, TaskListener listener) {
            listener.started(task);
        }

        void finished(Task task, ClientOutcome outcome, TaskListener listener) {
            listener.finished(task, outcome);
        }

        @Override
        public void cancel(Task task) {
            runtime.cancel(task);
        }

        @Override
        public void close() {
            runtime.close();
        }
    }

    /** Gives up soon: what is broken here never comes. */
    abstract static class Impatient extends RuntimeContract {
        @Override
        protected Duration patience() {
            return Duration.ofMillis(300);
        }
    }

    @FailsOnPurpose
    static class FinishesTwice extends RuntimeContract {
        @Override
        protected Runtime start(Map<String, Client> clients, ClientStateStore states) {
            return new Passing(clients, states) {
                @Override
                void finished(Task task, ClientOutcome outcome, TaskListener listener) {
                    listener.finished(task, outcome);
                    listener.finished(task, outcome);
                }
            };
        }
    }

    @FailsOnPurpose
    static class SwallowsFailures extends Impatient {
        @Override
        protected Runtime start(Map<String, Client> clients, ClientStateStore states) {
            return new Passing(clients, states) {
                @Override
                void finished(Task task, ClientOutcome outcome, TaskListener listener) {
                    if (!(outcome instanceof ClientOutcome.Failed)) {
                        listener.finished(task, outcome);
                    }
                }
            };
        }
    }

    @FailsOnPurpose
    static class StartsAfterTheEnd extends Impatient {
        @Override
        protected Runtime start(Map<String, Client> clients, ClientStateStore states) {
            return new Passing(clients, states) {
                @Override
                void started(Task task, TaskListener listener) {}

                @Override
                void finished(Task task, ClientOutcome outcome, TaskListener listener) {
                    listener.finished(task, outcome);
                    listener.started(task);
                }
            };
        }
    }

    @FailsOnPurpose
    static class NeverCancels extends Impatient {
        @Override
        protected Runtime start(Map<String, Client> clients, ClientStateStore states) {
            // One place, so that what was not cancelled has run by the time its successor has.
            Runtime one = InProcessRuntime.builder(clients)
                    .parallelism(1)
                    .clientStates(states)
                    .build();
            return new Passing(one) {
                @Override
                public void cancel(Task task) {}
            };
        }

        @Override
        protected OptionalInt parallelism() {
            return OptionalInt.of(1);
        }
    }

    @FailsOnPurpose
    static class DropsWhatIsBesideTheModel extends RuntimeContract {
        @Override
        protected Runtime start(Map<String, Client> clients, ClientStateStore states) {
            return new Passing(clients, states) {
                @Override
                public void submit(Task task, TaskListener listener) {
                    Task.Builder bare = Task.builder(task.kind(), task.clientId())
                            .runId(task.runId())
                            .round(task.round())
                            .exchange(task.exchange())
                            .seed(task.seed())
                            .model(task.model());
                    super.submit(bare.build(), listener);
                }
            };
        }
    }

    @FailsOnPurpose
    static class WaitsForTheClient extends Impatient {
        @Override
        protected Runtime start(Map<String, Client> clients, ClientStateStore states) {
            return InProcessRuntime.builder(clients)
                    .parallelism(2)
                    .executor(Runnable::run)
                    .clientStates(states)
                    .build();
        }
    }

    @Test
    void findsTasksThatFinishTwice() {
        assertThat(SuiteRun.failures(FinishesTwice.class))
                .contains("finishesEveryTaskExactlyOnce", "finishesManyMoreTasksThanItRunsAtATime");
    }

    @Test
    void findsFailuresThatAreNotTold() {
        assertThat(SuiteRun.failures(SwallowsFailures.class))
                .contains("makesWhatAClientThrowsAnOutcome", "keepsFailuresApart", "failsTaskForUnknownClient");
    }

    @Test
    void findsAStartAfterTheEnd() {
        assertThat(SuiteRun.failures(StartsAfterTheEnd.class)).contains("reportsStartProgressAndEndInOrder");
    }

    @Test
    void findsTasksThatAreNotCancelled() {
        assertThat(SuiteRun.failures(NeverCancels.class))
                .contains("cancelInterruptsARunningClient", "cancelTakesAQueuedTaskBack", "aDeafClientLosesItsPlace");
    }

    @Test
    void findsWhatIsLostOnTheWay() {
        assertThat(SuiteRun.failures(DropsWhatIsBesideTheModel.class))
                .containsExactlyInAnyOrder(
                        "carriesTheWholeTask",
                        "clientStateFollowsTheLastAcceptedRound",
                        "appliesTransformsInOrder",
                        "declinesUnknownTransforms",
                        "failsOnBadTransformSettings");
    }

    @Test
    void findsASubmitThatWaits() {
        assertThat(SuiteRun.failures(WaitsForTheClient.class)).contains("submitReturnsWhileTheClientWorks");
    }
}
