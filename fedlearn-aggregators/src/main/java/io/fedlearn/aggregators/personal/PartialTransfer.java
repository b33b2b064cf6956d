package io.fedlearn.aggregators.personal;

import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Updates without some of the model's tensors: clients leave them out, and the server puts the global model's in their place, in
 * a model delta zeros. For tensors that every site keeps, {@link LocalTensors#leftOut}, and for those that none trains, such as
 * a frozen body of a network: they cost no bytes on the way, and {@code OutcomeRecord.savedBytes} says how many. What clients
 * learned of them is lost, and the server's stay as they are.
 *
 * <p>An update that holds a tensor which was to be left out, or lacks another, is rejected by the tensor's name. Metrics and the
 * tensors beside the model travel as they are.
 *
 * <p><b>Settings.</b> {@value #TENSORS}: the text of a {@link TensorSelection}. <b>Cost.</b> None of note: no value is copied.
 * <b>Threads.</b> Immutable and thread-safe.
 */
public final class PartialTransfer {
    /** The name under which tasks tell clients of it: {@value}. */
    public static final String NAME = "partial-transfer";

    /** Setting {@value}: what is left out. */
    public static final String TENSORS = "tensors";

    private final TensorSelection selection;

    private PartialTransfer(TensorSelection selection) {
        this.selection = selection;
    }

    /** Updates without these tensors. */
    public static PartialTransfer without(TensorSelection selection) {
        return new PartialTransfer(selection);
    }

    /**
     * Tells clients to leave the tensors out after what they do so far, and the server to put them in before what it does so far.
     * Codecs are added afterwards.
     */
    public Strategy.Builder addedTo(Strategy.Builder strategy) {
        return strategy.codec(atClient(), this::atServer).requiresModel(selection::in);
    }

    /** What tells clients to leave the tensors out. */
    public TransformSpec atClient() {
        return new TransformSpec(NAME, Config.empty().with(TENSORS, selection.toString()));
    }

    /** What puts them in at the server. */
    public UpdateTransform atServer() {
        return new PuttingIn(selection);
    }

    /** Makes the transform at a client; found through {@link java.util.ServiceLoader}. Stateless and thread-safe. */
    public static final class Factory implements UpdateTransform.Factory {
        /** A factory. */
        public Factory() {}

        @Override
        public String name() {
            return NAME;
        }

        @Override
        public UpdateTransform create(Config settings) {
            for (String name : settings.names()) {
                if (!name.equals(TENSORS)) {
                    throw new IllegalArgumentException(NAME + " has no setting '" + name + "'");
                }
            }
            return new LeavingOut(TensorSelection.parse(settings.getString(TENSORS)
                    .orElseThrow(() -> new IllegalArgumentException(NAME + " needs the setting " + TENSORS))));
        }
    }

    private static Model model(ClientUpdate update) {
        if (update.form() == UpdateForm.WEIGHTED_SUM) {
            throw InvalidUpdateException.of("a " + update.form() + " over several clients is not taken in parts");
        }
        return update.model().orElseThrow(() -> InvalidUpdateException.of("the update holds no model"));
    }

    private record LeavingOut(TensorSelection selection) implements UpdateTransform {
        @Override
        public ClientUpdate apply(ClientUpdate update, TransformContext context) {
            Model whole = model(update);
            if (!whole.spec().equals(context.globalModel().spec())) {
                throw InvalidUpdateException.of(
                        NAME + " works on a model with the global model's tensors: codecs come after it");
            }
            BitSet selected;
            try {
                selected = selection.in(whole.spec());
            } catch (IllegalArgumentException e) {
                throw new TaskDeclinedException(String.valueOf(e.getMessage()));
            }
            Model.Builder rest = Model.builder();
            for (int t = selected.nextClearBit(0); t < whole.spec().size(); t = selected.nextClearBit(t + 1)) {
                TensorSpec spec = whole.spec().tensors().get(t);
                rest.add(spec.name(), whole.tensors().get(t), spec.role());
            }
            return update.withModel(update.form(), rest.build());
        }

        @Override
        public String description() {
            return NAME + "(" + selection + ")";
        }
    }

    private record PuttingIn(TensorSelection selection) implements UpdateTransform {
        @Override
        public ClientUpdate apply(ClientUpdate update, TransformContext context) {
            Model rest = model(update);
            Model global = context.globalModel();
            BitSet selected = selection.in(global.spec());
            for (TensorSpec tensor : rest.spec().tensors()) {
                int place = global.spec().indexOf(tensor.name());
                if (place < 0) {
                    throw InvalidUpdateException.ofTensor(tensor.name(), "is not in the global model");
                }
                if (selected.get(place)) {
                    throw InvalidUpdateException.ofTensor(tensor.name(), "was to be left out");
                }
            }
            List<TensorSpec> specs = new ArrayList<>(global.spec().size());
            List<Tensor> tensors = new ArrayList<>(global.spec().size());
            for (int t = 0; t < global.spec().size(); t++) {
                TensorSpec spec = global.spec().tensors().get(t);
                if (selected.get(t)) {
                    specs.add(spec);
                    tensors.add(
                            update.form() == UpdateForm.MODEL
                                    ? global.tensors().get(t)
                                    : Tensor.zeros(spec.type(), spec.shape()));
                } else {
                    int place = rest.spec().indexOf(spec.name());
                    if (place < 0) {
                        throw InvalidUpdateException.ofTensor(spec.name(), "is missing");
                    }
                    specs.add(rest.spec().tensors().get(place));
                    tensors.add(rest.tensors().get(place));
                }
            }
            return update.withModel(update.form(), Model.of(ModelSpec.of(specs), tensors));
        }

        @Override
        public String description() {
            return NAME + "(" + selection + ")";
        }
    }
}
