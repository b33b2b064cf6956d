package io.fedlearn.privacy.site;

import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.internal.GridClipping;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.Set;

/**
 * A client whose answers are locally differentially private: what it sends would hardly differ if all its data were replaced by
 * others. Puts clipping and noise, as the site decides, around any client.
 *
 * <pre>
 *   answer = clip_C(w_k - w) + noise
 * </pre>
 * over the trainables; buffers and counters are those of the task's model, and nothing else of the inner client's answer is
 * passed on: no metrics, no tensors beside the model, a declared number in place of the example count.
 *
 * <p><b>Privacy.</b> Unit: the site's whole data. Neighbours: any two data sets, {@link NeighboringRelation#REPLACE_ONE}. From:
 * whoever sees the answer. {@link LocalPrivacy#event()} is debited before each answer; if the budget does not allow it the task is
 * declined. A task that is asked again is answered anew, with other noise, and debited anew. If the inner client fails, or gives
 * what cannot be clipped, noise alone is sent, since a failure would tell of the data too; it is logged at the site.
 * <b>Not protected</b>: whether the site takes part, how long it takes, and that the inner client declines, which it must not do
 * for what lies in its data.
 *
 * <p>With one site of such noise a model of many parameters is lost, and even the mean of many sites: for {@code d} parameters
 * the noise has a norm of about {@code 2 z C sqrt(d)} against at most {@code C} of signal. Where persons are to be protected,
 * {@link DpSgdClient} costs far less.
 *
 * <p><b>Randomness</b> is cryptographic and never from the task's seed: excepted from rule 1 of {@link Client}. <b>Floating
 * point</b>: clipped delta and noise are whole numbers, whose bound is checked exactly.
 *
 * <p>Thread-safe as the inner client and the budget are.
 */
public final class LocallyPrivateClient implements Client {
    private static final System.Logger LOG = System.getLogger(LocallyPrivateClient.class.getName());

    private final Client client;
    private final LocalPrivacy privacy;
    private final SiteBudget budget;
    private final Set<TaskKind> passed;

    private LocallyPrivateClient(Client client, LocalPrivacy privacy, SiteBudget budget, Set<TaskKind> passed) {
        this.client = client;
        this.privacy = privacy;
        this.budget = budget;
        this.passed = passed;
    }

    /**
     * Puts privacy around a client. Other tasks than training are declined.
     *
     * @param scope whose budget is debited, such as the data set's name
     */
    public static LocallyPrivateClient of(Client client, LocalPrivacy privacy, PrivacyBudget budget, String scope) {
        return new LocallyPrivateClient(client, privacy, new SiteBudget(budget, scope), Set.of());
    }

    /**
     * The same client, which answers tasks of these kinds as the inner one does, without noise or charge: for answers that do not
     * depend on the site's data, such as an initial model, or measurements on public examples.
     *
     * @throws IllegalArgumentException if training is among them
     */
    public LocallyPrivateClient passing(TaskKind... kinds) {
        Set<TaskKind> set = Set.of(kinds);
        if (set.contains(TaskKind.FIT)) {
            throw new IllegalArgumentException("training is what must be private, and cannot be passed");
        }
        return new LocallyPrivateClient(client, privacy, budget, set);
    }

    @Override
    public ClientUpdate fit(Task task, TaskContext context) throws Exception {
        Model global = task.model();
        GridClipping clipping = privacy.clipping();
        long[][] sum = TrainableDelta.zeros(global.spec());
        try {
            TrainableDelta delta = TrainableDelta.of(client.fit(task, new Quiet(context)), global);
            if (clipping.addTo(sum, delta) == GridClipping.Outcome.NOT_FINITE) {
                LOG.log(System.Logger.Level.WARNING, () -> "task " + task.id() + ": the update was not finite");
            }
        } catch (TaskDeclinedException | InterruptedException e) {
            throw e;
        } catch (Exception e) {
            // What was read of the update before it failed is no clipped update.
            sum = TrainableDelta.zeros(global.spec());
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> "task " + task.id() + ": training failed, noise alone is sent: "
                            + e.getClass().getName());
        }
        PrivacySpent spent = budget.debit(
                privacy.event(), NeighboringRelation.REPLACE_ONE, "local privacy, task " + task.id(), "another answer");
        NoiseSource secret = NoiseSource.secure();
        for (long[] units : sum) {
            long[] noise = new long[units.length];
            privacy.noise().fill(secret, noise, 0, noise.length);
            for (int i = 0; i < units.length; i++) {
                units[i] += noise[i];
            }
        }
        return ClientUpdate.ofModelDelta(
                        TrainableDelta.toModel(global.spec(), sum, clipping.step()), privacy.declaredExamples())
                .withMetrics(Metrics.of(DpSgdClient.SITE_EPSILON, spent.epsilon())
                        .with(DpSgdClient.SITE_PRIVACY_DELTA, spent.privacyDelta()));
    }

    /** Says nothing of the inner client's progress: how many steps it takes may tell how many examples there are. */
    private record Quiet(TaskContext context) implements TaskContext {
        @Override
        public ClientState state() {
            return context.state();
        }

        @Override
        public void progress(long done, long total) {}

        @Override
        public boolean isCancelled() {
            return context.isCancelled();
        }
    }

    @Override
    public ClientUpdate evaluate(Task task, TaskContext context) throws Exception {
        requirePassed(task);
        return client.evaluate(task, context);
    }

    @Override
    public ClientUpdate perform(Task task, TaskContext context) throws Exception {
        requirePassed(task);
        return client.perform(task, context);
    }

    private void requirePassed(Task task) {
        if (!passed.contains(task.kind())) {
            throw new TaskDeclinedException(
                    "this site answers in private, and does not pass on '" + task.kind() + "' tasks");
        }
    }

    @Override
    public String toString() {
        return "locally-private(" + privacy + ", " + client + ")";
    }
}
