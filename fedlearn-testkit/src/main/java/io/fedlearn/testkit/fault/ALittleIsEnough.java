package io.fedlearn.testkit.fault;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.ModelDelta;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A group of clients that lie together, so little that robust rules take their updates for honest ones: each sends, for every
 * trainable value, the mean of what the group's members would honestly have sent minus so many of their standard deviations.
 *
 * <pre>{@code
 * clients.putAll(ALittleIsEnough.of(Map.of("north", north, "south", south), 1.5).clients());
 * }</pre>
 *
 * <p>The first member that is asked in a round trains for all, each with randomness of its own from the model and its id, so that
 * answers depend on neither order nor threads; the others wait for it. The members must be told the same settings, and train
 * without state between rounds. Buffers and counters of a member that answers with a model are its own, else the global model's. All other tasks they do honestly. Thread-safe.
 *
 * <p><b>Reference.</b> Baruch, Baruch and Goldberg, "A Little Is Enough: Circumventing Defenses For Distributed Learning",
 * NeurIPS 2019, arXiv:1902.06156, Algorithm 3. <b>Differs</b> from it in leaving the number of deviations to the caller.
 */
public final class ALittleIsEnough {
    private final Map<String, Client> members;
    private final double deviations;

    // Guards what follows. Held while the group trains, because nobody in it can answer before.
    private final ReentrantLock lock = new ReentrantLock();
    private String agreedOn = "";
    private Map<String, ClientUpdate> agreed = Map.of();

    private ALittleIsEnough(Map<String, Client> members, double deviations) {
        this.members = new TreeMap<>(members);
        this.deviations = deviations;
    }

    /**
     * A group of what would be honest clients.
     *
     * @param members by id, at least 2: one alone has no deviation to hide in
     * @param deviations how far from the mean, in standard deviations; finite
     */
    public static ALittleIsEnough of(Map<String, ? extends Client> members, double deviations) {
        if (members.size() < 2) {
            throw new IllegalArgumentException("members must be >= 2, were " + members.size());
        }
        if (!Double.isFinite(deviations)) {
            throw new IllegalArgumentException("deviations must be finite, were " + deviations);
        }
        return new ALittleIsEnough(Map.copyOf(members), deviations);
    }

    /** The members as clients that lie, by id. */
    public Map<String, Client> clients() {
        Map<String, Client> clients = new TreeMap<>();
        members.forEach((id, member) -> clients.put(
                id, FaultyClient.around(member).always((task, context, honest) -> answer(id, task, context))));
        return clients;
    }

    private ClientUpdate answer(String id, Task task, TaskContext context) throws Exception {
        lock.lockInterruptibly();
        try {
            String round = task.runId() + "/" + task.round() + "/" + task.exchange() + "/"
                    + task.model().digest();
            if (!round.equals(agreedOn)) {
                agreed = agree(task, context);
                agreedOn = round;
            }
            return Optional.ofNullable(agreed.get(id)).orElseThrow();
        } finally {
            lock.unlock();
        }
    }

    private Map<String, ClientUpdate> agree(Task task, TaskContext context) throws Exception {
        Map<String, ClientUpdate> honest = new TreeMap<>();
        for (Map.Entry<String, Client> member : members.entrySet()) {
            honest.put(
                    member.getKey(), member.getValue().fit(taskOf(member.getKey(), task), new MemberContext(context)));
        }
        List<ModelDelta> deltas = new ArrayList<>();
        for (ClientUpdate update : honest.values()) {
            deltas.add(ModelDelta.of(update, task.model()));
        }
        List<Tensor> lie = lie(task.model(), deltas);
        Map<String, ClientUpdate> answers = new TreeMap<>();
        honest.forEach((id, update) -> answers.put(id, replaced(update, lie, task.model())));
        return answers;
    }

    private static Task taskOf(String member, Task task) {
        Task.Builder builder = Task.builder(task.kind(), member)
                .runId(task.runId())
                .round(task.round())
                .exchange(task.exchange())
                .seed(SeededRandom.derive(
                        SeededRandom.derive(task.round(), task.model().digest()), member))
                .model(task.model())
                .config(task.config())
                .transforms(task.transforms());
        task.tensors().forEach(builder::tensors);
        return builder.build();
    }

    /** The models' trainables after the lie, at their places; buffers and counters as they are in the global model. */
    private List<Tensor> lie(Model global, List<ModelDelta> deltas) {
        List<Tensor> tensors = new ArrayList<>(global.tensors());
        double[] values = new double[ModelDelta.MAX_BLOCK];
        for (int t = 0; t < tensors.size(); t++) {
            TensorSpec spec = global.spec().tensors().get(t);
            if (spec.role() != TensorRole.TRAINABLE) {
                continue;
            }
            double[] result = global.tensors().get(t).toDoubleArray();
            for (int from = 0; from < result.length; from += ModelDelta.MAX_BLOCK) {
                int count = Math.min(ModelDelta.MAX_BLOCK, result.length - from);
                double[] sum = new double[count];
                double[] squares = new double[count];
                for (ModelDelta delta : deltas) {
                    delta.read(t, from, values, 0, count);
                    for (int i = 0; i < count; i++) {
                        sum[i] += values[i];
                        squares[i] += values[i] * values[i];
                    }
                }
                for (int i = 0; i < count; i++) {
                    double mean = sum[i] / deltas.size();
                    double variance = Math.max(0, squares[i] / deltas.size() - mean * mean);
                    result[from + i] += mean - deviations * Math.sqrt(variance);
                }
            }
            tensors.set(t, Tensor.rounded(spec.type(), spec.shape(), result));
        }
        return tensors;
    }

    private static ClientUpdate replaced(ClientUpdate update, List<Tensor> lie, Model global) {
        if (update.form() != UpdateForm.MODEL) {
            return update.withModel(UpdateForm.MODEL, Model.of(global.spec(), lie));
        }
        Model honest = update.model().orElseThrow();
        List<Tensor> tensors = new ArrayList<>(lie);
        for (int t = 0; t < tensors.size(); t++) {
            if (global.spec().tensors().get(t).role() != TensorRole.TRAINABLE) {
                tensors.set(t, honest.tensors().get(t));
            }
        }
        return update.withModel(UpdateForm.MODEL, Model.of(global.spec(), tensors));
    }

    /** What a member finds around it that is trained for by another: that one's cancellation, and no state. */
    private record MemberContext(TaskContext asked) implements TaskContext {
        @Override
        public ClientState state() {
            return Forgetful.STATE;
        }

        @Override
        public void progress(long done, long total) {
            asked.progress(done, total);
        }

        @Override
        public boolean isCancelled() {
            return asked.isCancelled();
        }
    }

    /** Keeps nothing. */
    private enum Forgetful implements ClientState {
        STATE;

        @Override
        public Optional<Model> load(String name) {
            return Optional.empty();
        }

        @Override
        public void save(String name, Model value) {}
    }
}
