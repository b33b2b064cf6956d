package io.fedlearn.examples.network;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.examples.report.Figures;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A site's client that prints what it does, declines tasks of a run over other columns, and falls back on settings of its own
 * where the server says nothing.
 *
 * @param client that does the work
 * @param schema a code of its columns, which a run may demand
 * @param fallback settings of local training
 * @param out where it prints
 */
public record SiteClient(Client client, String schema, Config fallback, PrintWriter out) implements Client {
    private static final List<String> SHOWN = List.of(Evaluation.LOSS, Evaluation.ACCURACY, Evaluation.AUC);

    @Override
    public ClientUpdate fit(Task task, TaskContext context) throws Exception {
        return told(task, "trained", told -> client.fit(told, context));
    }

    @Override
    public ClientUpdate evaluate(Task task, TaskContext context) throws Exception {
        return told(task, "tested", told -> client.evaluate(told, context));
    }

    @Override
    public ClientUpdate perform(Task task, TaskContext context) throws Exception {
        return told(task, "did " + task.kind(), told -> client.perform(told, context));
    }

    private interface Work {
        ClientUpdate on(Task task) throws Exception;
    }

    private ClientUpdate told(Task task, String what, Work work) throws Exception {
        String place = task.round() == 0 ? "before the rounds: " : "round " + task.round() + ": ";
        long start = System.nanoTime();
        try {
            requireSchema(task.config());
            ClientUpdate update = work.on(
                    task.toBuilder().config(fallback.with(task.config())).build());
            say(place + what + ", " + update.exampleCount() + " examples" + figures(update.metrics()) + ", "
                    + Figures.seconds((System.nanoTime() - start) / (double) TimeUnit.SECONDS.toNanos(1)) + " s");
            return update;
        } catch (TaskDeclinedException e) {
            say(place + "declined " + task.kind() + ": " + e.getMessage());
            throw e;
        } catch (InterruptedException e) {
            say(place + task.kind() + " was cancelled");
            throw e;
        } catch (Exception e) {
            say(place + task.kind() + " failed: " + e.getMessage());
            throw e;
        }
    }

    private void requireSchema(Config config) {
        String wanted = config.getString(Schema.CODE).orElse(schema);
        if (!wanted.equals(schema)) {
            throw new TaskDeclinedException(
                    "this site's columns, classes, model or scale are not those of the run: its schema" + " is "
                            + schema + ", the run's " + wanted);
        }
    }

    private static String figures(Metrics metrics) {
        StringBuilder text = new StringBuilder();
        for (String name : SHOWN) {
            metrics.get(name)
                    .ifPresent(
                            value -> text.append(", ").append(name).append(' ').append(Figures.metric(value)));
        }
        return text.toString();
    }

    private void say(String line) {
        out.println(line);
        out.flush();
    }
}
