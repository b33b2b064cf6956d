package io.fedlearn.core.strategy;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateCheck;
import io.fedlearn.core.update.UpdateTransform;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The usual round: every client of the cohort is asked once to train, and its update goes into the aggregator. */
final class FitProtocol implements RoundProtocol, Exchange {
    /** What codecs may make of short answers before the rule takes it in: they wait encoded, and not all fit decoded. */
    private static final long MAX_DECODED_BYTES = 32L << 20;

    private final StrategyParts parts;
    private final Context context;
    private final UpdateCheck check;
    private final Map<String, Model> broadcast;
    private final Map<String, Contribution> contributions = new TreeMap<>();
    // Used by rules that need the whole cohort.
    private final List<WeightedUpdate> kept = new ArrayList<>();
    private boolean asked;

    FitProtocol(StrategyParts parts, Context context) {
        this.parts = parts;
        this.context = context;
        this.check = UpdateCheck.forModel(context.global().spec());
        this.broadcast = parts.serverOptimizer().broadcast();
        if (parts.aggregator() instanceof Aggregator.Streaming streaming) {
            streaming.begin(context.global());
        }
    }

    @Override
    public Optional<Exchange> next() {
        if (asked) {
            return Optional.empty();
        }
        asked = true;
        return Optional.of(this);
    }

    @Override
    public TaskKind kind() {
        return TaskKind.FIT;
    }

    @Override
    public List<String> clients() {
        return context.cohort();
    }

    @Override
    public void instruct(String clientId, Task.Builder task) {
        task.model(context.global())
                .config(parts.clientConfig(context.round(), clientId))
                .transforms(parts.clientTransforms());
        broadcast.forEach(task::tensors);
    }

    @Override
    public void check(String clientId, ClientUpdate update) {
        check.checkSizes(update);
        if (parts.serverTransforms().stream().allMatch(UpdateTransform::keepsSpecification)) {
            // Before the answer counts: it might close the round, and then turn out to be nothing.
            checkUse(update);
        }
    }

    private void checkUse(ClientUpdate update) {
        check.checkModel(update, context.global().spec());
        parts.aggregator().check(update, context.global().spec());
        parts.serverOptimizer().check(update, context.global());
        if (update.form() == UpdateForm.MODEL_DELTA) {
            ClientUpdate model = DeltaAsModel.convert(update, context.global());
            DeltaAsModel.requireIntegersInRange(model);
            // A finite delta may still lead out of its type's range.
            check.checkSizes(model);
        } else if (update.form() == UpdateForm.WEIGHTED_SUM) {
            WeightedSum.requireMeanInRange(update, context.global().spec());
        }
    }

    @Override
    public Map<String, String> accept(List<Answer> answers) {
        Map<String, String> rejected = new TreeMap<>();
        List<WeightedUpdate> good = new ArrayList<>(answers.size());
        long decodedBytes = 0;
        for (Answer answer : answers) {
            if (decodedBytes > 0 && decodedBytes + context.global().spec().byteCount() > MAX_DECODED_BYTES) {
                handOver(good);
                good = new ArrayList<>(answers.size());
                decodedBytes = 0;
            }
            try {
                ClientUpdate update = transform(answer);
                WeightedUpdate weighted = new WeightedUpdate(
                        answer.clientId(), update, parts.weighting().weight(update));
                good.add(weighted);
                decodedBytes += Math.max(0, update.heapBytes() - answer.update().heapBytes());
                contributions.put(
                        answer.clientId(),
                        new Contribution(
                                weighted.weight(),
                                update.byteCount() - answer.update().byteCount()));
            } catch (InvalidUpdateException e) {
                rejected.put(answer.clientId(), e.getMessage());
            }
        }
        handOver(good);
        return rejected;
    }

    private void handOver(List<WeightedUpdate> good) {
        if (parts.aggregator() instanceof Aggregator.Streaming streaming) {
            if (!good.isEmpty()) {
                streaming.accumulate(good);
            }
        } else {
            for (WeightedUpdate update : good) {
                // Kept to the round's end, so its place is the disk, unless it is there already.
                ClientUpdate resting =
                        update.update().heapBytes() > 0 ? context.spool().write(update.update()) : update.update();
                kept.add(new WeightedUpdate(update.clientId(), resting, update.weight()));
            }
        }
    }

    private ClientUpdate transform(Answer answer) {
        ClientUpdate update = answer.update();
        if (!parts.serverTransforms().isEmpty()) {
            TransformContext transformContext =
                    new TransformContext(answer.clientId(), context.round(), 0, context.global(), Optional.empty());
            for (UpdateTransform transform : parts.serverTransforms()) {
                update = transform.apply(update, transformContext);
            }
            check.checkSizes(update);
            checkUse(update);
        }
        return update.form() == UpdateForm.MODEL_DELTA && !parts.aggregator().takesModelDeltas()
                ? DeltaAsModel.convert(update, context.global())
                : update;
    }

    @Override
    public Aggregate finish() {
        Aggregate aggregate = parts.aggregator() instanceof Aggregator.Streaming streaming
                ? streaming.finish()
                : ((Aggregator.WholeCohort) parts.aggregator()).aggregate(context.global(), kept);
        if (!aggregate.clientWeights().isEmpty()) {
            contributions.replaceAll((client, part) ->
                    new Contribution(aggregate.clientWeights().getOrDefault(client, 0.0), part.savedBytes()));
        }
        return aggregate;
    }

    @Override
    public Map<String, Contribution> contributions() {
        return contributions;
    }
}
