package io.fedlearn.aggregators.personal;

import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.training.LocalCorrection;
import io.fedlearn.core.training.LocalTrainer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Tensors that stay at the site: each site trains and evaluates the global model with its own values of these in place, and
 * what it learns of them never leaves it. The part that makes any strategy a personalised one:
 * {@code LocalTensors.matching("head/*").appliedTo(FedAdam.create())}.
 *
 * <p>With global model {@code (w_t, h)}, where {@code h} are the local tensors, site {@code k} trains from
 * {@code (w_t, h_k)} to {@code (w_k, h_k')}, keeps {@code h_k'} and sends {@code (w_k, h)}: the global model's own values in
 * place of what it keeps. Every rule can combine such updates, as equal values return themselves, and {@code h} stays as the run
 * started with it. A site that has not trained yet has {@code h_k = h}.
 *
 * <p>What a site keeps lies in its client state under {@value #NAME}, one version for each round whose update was accepted: an
 * answer that came late, or a round that is done again, changes nothing. In evaluation and fine-tuning a site's own tensors are
 * in place too.
 *
 * <p>Which tensors it is says a {@link TensorSelection}. One that means none of the model's tensors, or all that are trained, is
 * refused before the first round, and by a site that is asked all the same. A site whose client state was lost declines: to go on
 * from the values of the run's start would be another run.
 *
 * <p><b>Limits.</b> A method that sends tensors beside the model, such as control variates, cannot have local tensors: they would
 * tell of them. The corrections of other methods see the update without its local tensors. Noise that a site adds to its update
 * or the server to the aggregate reaches {@code h} as well, and moves what sites start with that have not trained yet. A
 * site's update tells that it took part, its metrics how good its own tensors are; nothing else is told.
 *
 * <p><b>Needs</b> clients that honour corrections ({@link Capability#TRAINING_SETTINGS}), keep state and have stable ids.
 * <b>Cost.</b> At each site a copy of its local tensors and one of the round before. They travel in the update like others, as the
 * global model's, unless {@link #leftOut} leaves them out. <b>Threads.</b> Immutable and thread-safe.
 */
public final class LocalTensors {
    /** The name of the correction, and of what a site keeps: {@value}. */
    public static final String NAME = "local-tensors";

    /** A task's setting {@value}: the text of the selection. */
    public static final String SETTING = "localTensors";

    private final TensorSelection selection;
    private final boolean isLeftOut;

    private LocalTensors(TensorSelection selection, boolean isLeftOut) {
        this.selection = selection;
        this.isLeftOut = isLeftOut;
    }

    /** Tensors of this selection. */
    public static LocalTensors of(TensorSelection selection) {
        return new LocalTensors(selection, false);
    }

    /** Tensors whose names match any of these patterns, {@code *} for any number of characters. */
    public static LocalTensors matching(String... patterns) {
        return of(TensorSelection.matching(patterns));
    }

    /** Tensors that are not trained: each site has statistics of its own. */
    public static LocalTensors buffers() {
        return of(TensorSelection.buffers());
    }

    /** All tensors of layers that have a buffer: each site has batch-norm layers of its own. */
    public static LocalTensors layersWithBuffers() {
        return of(TensorSelection.layersWithBuffers());
    }

    /**
     * The same tensors, which updates do not even hold: see {@link PartialTransfer}. A large local head then costs no bytes on the
     * way to the server. An update is then checked when its turn comes and not when it arrives.
     */
    public LocalTensors leftOut() {
        return new LocalTensors(selection, true);
    }

    /** Which tensors it is. */
    public TensorSelection selection() {
        return selection;
    }

    /**
     * This strategy with tensors that stay at the site. Codecs are added to what comes of it and not before: tensors are left out
     * of a model, and not of what a codec made of it.
     *
     * @throws IllegalArgumentException if the strategy has local tensors already, or sends tensors beside the model
     */
    public Strategy appliedTo(Strategy strategy) {
        Optional<String> already = strategy.clientConfig().getString(SETTING);
        if (already.isPresent()) {
            throw new IllegalArgumentException("strategy " + strategy.name() + " keeps '" + already.get()
                    + "' at the site already: join the selections");
        }
        if (strategy.requirements().contains(Capability.SIDE_TENSORS)) {
            throw new IllegalArgumentException("strategy " + strategy.name()
                    + " sends tensors beside the model, which would tell of those that are to stay at the site"
                    + " (codecs are added afterwards)");
        }
        String others =
                strategy.clientConfig().getString(LocalCorrection.SETTING).orElse("");
        Strategy.Builder builder = strategy.toBuilder()
                .setting(SETTING, selection.toString())
                .tellClients(SETTING, selection.toString())
                // Before all others: what they see of the update is then what may leave the site.
                .tellClients(LocalCorrection.SETTING, others.isEmpty() ? NAME : NAME + "," + others)
                .requires(Capability.TRAINING_SETTINGS)
                .requires(Capability.CLIENT_STATE)
                .requires(Capability.STABLE_IDENTITY)
                .requires(Capability.NAMED_TENSORS)
                .requiresModel(selection::in);
        return isLeftOut ? PartialTransfer.without(selection).addedTo(builder).build() : builder.build();
    }

    /** The selection, and whether it is left out. */
    @Override
    public String toString() {
        return NAME + "(" + selection + (isLeftOut ? ", left out" : "") + ")";
    }

    /** Makes the correction at a site; found through {@link java.util.ServiceLoader}. Stateless and thread-safe. */
    public static final class Factory implements LocalCorrection.Factory {
        /** A factory. */
        public Factory() {}

        @Override
        public String name() {
            return NAME;
        }

        @Override
        public LocalCorrection create(Task task, TaskContext context) {
            try {
                TensorSelection selection = TensorSelection.parse(task.config()
                        .getString(SETTING)
                        .orElseThrow(() -> new IllegalArgumentException(NAME + " needs the setting " + SETTING)));
                return new Correction(selection.in(task.model().spec()), task, context.state());
            } catch (IllegalArgumentException e) {
                throw new TaskDeclinedException(String.valueOf(e.getMessage()));
            }
        }

        @Override
        public boolean changesStart() {
            return true;
        }
    }

    /** The correction of one task. */
    private static final class Correction implements LocalCorrection {
        private final BitSet local;
        private final Model global;
        private final OptionalInt lastAcceptedRound;
        private final ClientState state;

        Correction(BitSet local, Task task, ClientState state) {
            this.local = local;
            this.global = task.model();
            this.lastAcceptedRound = task.lastAcceptedRound();
            this.state = state;
        }

        @Override
        public Model startFrom(Model start) {
            Optional<Model> kept = state.load(NAME);
            if (kept.isEmpty()) {
                if (lastAcceptedRound.isPresent()) {
                    throw new TaskDeclinedException("what this site kept of its own in round "
                            + lastAcceptedRound.getAsInt() + " is lost: its client state must be put back");
                }
                return start;
            }
            if (!kept.get().spec().equals(chosen(global).spec())) {
                throw new TaskDeclinedException("what this site has kept are other tensors than '" + NAME
                        + "' now means: " + kept.get().spec());
            }
            return with(start, kept.get().tensors());
        }

        @Override
        public void correct(float[] gradient, float[] trainables) {}

        @Override
        public ClientUpdate complete(ClientUpdate update, LocalTrainer.Result result) {
            if (update.form() != UpdateForm.MODEL || update.model().isEmpty()) {
                throw new IllegalStateException(
                        NAME + " must complete an update before corrections that change its form");
            }
            Model trained = update.model().get();
            state.save(NAME, chosen(trained));
            return update.withModel(
                    UpdateForm.MODEL, with(trained, chosen(global).tensors()));
        }

        /** The local tensors of a model. */
        private Model chosen(Model model) {
            Model.Builder chosen = Model.builder();
            local.stream()
                    .forEach(t -> chosen.add(
                            model.spec().tensors().get(t).name(),
                            model.tensors().get(t),
                            model.spec().tensors().get(t).role()));
            return chosen.build();
        }

        /** The model with these in place of its local tensors. */
        private Model with(Model model, List<Tensor> others) {
            List<Tensor> tensors = new ArrayList<>(model.tensors());
            int next = 0;
            for (int t = local.nextSetBit(0); t >= 0; t = local.nextSetBit(t + 1)) {
                tensors.set(t, others.get(next++));
            }
            return Model.of(model.spec(), tensors);
        }
    }
}
