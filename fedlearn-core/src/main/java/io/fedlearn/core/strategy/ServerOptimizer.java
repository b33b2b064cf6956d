package io.fedlearn.core.strategy;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.PartState;
import java.util.Map;

/**
 * Moves the global model by a round's aggregate. Rules for implementers, tested by {@code ServerOptimizerContract}: (1) it acts
 * on trainable tensors; buffers and counters become those of the aggregate; (2) the same inputs give the same bits on any JVM
 * (no {@code Math.exp} and the like: {@code StrictMath}); (3) neither input is changed; (4) what it keeps between rounds is in
 * {@link #snapshot()}. Confined to one thread at a time.
 */
public interface ServerOptimizer {
    /**
     * The next global model.
     *
     * @param global the model that the round started from
     * @param aggregate of its updates
     */
    Model step(Model global, Aggregate aggregate);

    /**
     * Refuses an update by which no step could be made, such as one so long that its square leaves the range of the state; the
     * update is its client's outcome then, and the round goes on. Called as {@link Aggregator#check} is: when an update arrives,
     * from any thread and several at a time. The default takes every update.
     *
     * @throws io.fedlearn.core.update.InvalidUpdateException if the optimizer cannot take it
     */
    default void check(ClientUpdate update, Model global) {}

    /** Tensors by group that go out with every fit task, such as the server's control variate. The default is none. */
    default Map<String, Model> broadcast() {
        return Map.of();
    }

    /**
     * Name and settings, for the run's record; a run is resumed with an equal one only. The default is the name of the class,
     * which for a lambda is that of the class around it.
     */
    default String description() {
        return getClass().getTypeName().replaceAll("\\$\\$Lambda.*", "");
    }

    /** What must survive a restart of the coordinator. The default is nothing. */
    default PartState snapshot() {
        return PartState.empty();
    }

    /** Takes up what {@link #snapshot()} gave. */
    default void restore(PartState state) {}

    /** The next global model is the aggregate itself. */
    static ServerOptimizer identity() {
        return new ServerOptimizer() {
            @Override
            public Model step(Model global, Aggregate aggregate) {
                return aggregate.toModel(global);
            }

            @Override
            public String description() {
                return "identity";
            }
        };
    }
}
