package io.fedlearn.benchmarks;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.UpdateCheck;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/**
 * What does a round cost beside the clients' own work? Whole runs of {@link FedAvg} with clients that do nothing: evaluation is
 * off and the store is on the heap.
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -Xmx4g -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.RoundOverheadBenchmark [time] [clients] [heap]
 * </pre>
 *
 * <p><b>time</b>: seconds per round of 10 clients by the size of the model, with clients that answer with the task's own model and
 * with clients that answer with a copy; beside it what digest, border check and mean take of it when done alone. <b>clients</b>:
 * rounds per second by the number of clients. <b>heap</b>: peak live heap, found by running the same rounds in JVMs with less
 * and less heap, until one fails: what {@value #HEAP_PARAMETERS} parameters need beyond 256 is what the model costs. The
 * collector compacts (serial), so what it cannot free is alive.
 */
public final class RoundOverheadBenchmark {
    private static final int HEAP_PARAMETERS = 10_000_000;
    private static final int CLIENTS = 10;

    private RoundOverheadBenchmark() {}

    /** Measures what the arguments name, or everything. */
    public static void main(String[] arguments) throws Exception {
        List<String> wanted = arguments.length == 0 ? List.of("time", "clients", "heap") : List.of(arguments);
        if (wanted.get(0).equals("probe")) {
            probe(Integer.parseInt(wanted.get(1)), Answer.valueOf(wanted.get(2)), Start.valueOf(wanted.get(3)));
            return;
        }
        System.out.println(Machine.description());
        if (wanted.contains("time")) {
            time();
        }
        if (wanted.contains("clients")) {
            clients();
        }
        if (wanted.contains("heap")) {
            heap();
        }
    }

    /** What a client answers with. */
    private enum Answer {
        /** The task's model itself: no client holds memory of its own. */
        SAME,
        /** A copy on the heap, as after training. */
        COPY
    }

    /** Who holds the initial model during the run. */
    private enum Start {
        /** Nobody: a client is asked for it. */
        ASKED,
        /** The federation, which was given it. */
        GIVEN
    }

    private record IdleClient(Answer answer, int parameters) implements Client {
        @Override
        public ClientUpdate fit(Task task, TaskContext context) {
            return ClientUpdate.ofModel(answer == Answer.SAME ? task.model() : copy(task.model()), 1);
        }

        @Override
        public ClientUpdate perform(Task task, TaskContext context) throws Exception {
            return task.kind().equals(TaskKind.INITIAL_MODEL)
                    ? ClientUpdate.ofModel(model(parameters), 1)
                    : Client.super.perform(task, context);
        }
    }

    private static Model model(int parameters) {
        float[] values = new float[parameters];
        for (int i = 0; i < parameters; i++) {
            values[i] = (i & 1023) * 0x1p-12f;
        }
        return Model.builder().trainable("weights", Tensor.wrap(values)).build();
    }

    private static Model copy(Model model) {
        List<Tensor> tensors = new ArrayList<>();
        for (Tensor tensor : model.tensors()) {
            tensors.add(Tensor.wrap(tensor.toFloatArray()));
        }
        return Model.of(model.spec(), tensors);
    }

    private static Federation federation(
            int clients, int parameters, Answer answer, Start start, int rounds, Ends ends) {
        Federation.Builder builder = Federation.of(Collections.nCopies(clients, new IdleClient(answer, parameters)))
                .strategy(FedAvg.create())
                .rounds(rounds)
                .evaluateEvery(0)
                .listener(ends);
        if (start == Start.GIVEN) {
            builder.initialModel(model(parameters));
        }
        return builder.build();
    }

    /** Notes when rounds end. */
    private static final class Ends implements RoundListener {
        private final List<Long> nanos = new ArrayList<>();

        @Override
        public void roundFinished(RoundRecord record) {
            nanos.add(System.nanoTime());
        }

        /** The median seconds of a round, without the first {@code warmUp}. */
        double medianSeconds(int warmUp) {
            Samples samples = new Samples();
            for (int i = Math.max(1, warmUp); i < nanos.size(); i++) {
                samples.add("", (nanos.get(i) - nanos.get(i - 1)) / 1e9);
            }
            return samples.median("");
        }
    }

    private static double secondsPerRound(int clients, int parameters, Answer answer, int rounds)
            throws InterruptedException {
        Ends ends = new Ends();
        federation(clients, parameters, answer, Start.ASKED, rounds, ends).run();
        return ends.medianSeconds(rounds / 3);
    }

    private static void time() throws Exception {
        System.out.println(
                "\n| parameters | s/round, same model | s/round, copies | digest s | border checks s | mean s |");
        System.out.println("|---|---|---|---|---|---|");
        for (int parameters : new int[] {256, 1_000_000, 10_000_000}) {
            int rounds = parameters < 1000 ? 3000 : parameters > 2_000_000 ? 24 : 90;
            double same = secondsPerRound(CLIENTS, parameters, Answer.SAME, rounds);
            double copies = secondsPerRound(CLIENTS, parameters, Answer.COPY, rounds);
            Model model = model(parameters);
            UpdateCheck check = UpdateCheck.forModel(model.spec());
            ClientUpdate update = ClientUpdate.ofModel(model, 1);
            MeanOfUpdates mean = new MeanOfUpdates(Collections.nCopies(CLIENTS, update), model);
            Samples parts = new Samples();
            for (int i = -rounds / 3; i < rounds / 3; i++) {
                double digest =
                        seconds(() -> Model.of(model.spec(), model.tensors()).digest());
                double checked = seconds(() -> {
                    for (int k = 0; k < CLIENTS; k++) {
                        check.checkSizes(update);
                    }
                });
                double meant = seconds(() -> mean.inLists(32));
                if (i >= 0) {
                    parts.add("digest", digest);
                    parts.add("checks", checked);
                    parts.add("mean", meant);
                }
            }
            System.out.printf(
                    Locale.ROOT,
                    "| %,d | %.5f | %.5f | %.5f | %.5f | %.5f |%n",
                    parameters,
                    same,
                    copies,
                    parts.median("digest"),
                    parts.median("checks"),
                    parts.median("mean"));
        }
    }

    private static double seconds(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }

    private static void clients() throws InterruptedException {
        System.out.println("\n| clients of 7,850 parameters | rounds/s | microseconds per client | GB/s of updates |");
        System.out.println("|---|---|---|---|");
        for (int clients : new int[] {10, 100, 1000, 10_000}) {
            double seconds =
                    secondsPerRound(clients, 7850, Answer.COPY, Math.max(18, Math.min(3000, 90_000 / clients)));
            System.out.printf(
                    Locale.ROOT,
                    "| %,d | %.2f | %.1f | %.2f |%n",
                    clients,
                    1 / seconds,
                    seconds / clients * 1e6,
                    clients * 7850 * 4L / seconds / 1e9);
        }
    }

    private static void heap() throws Exception {
        System.out.println(
                "\n| answers | initial model | heap MB, 256 parameters | heap MB, 10M parameters | times the model |");
        System.out.println("|---|---|---|---|---|");
        for (Answer answer : Answer.values()) {
            for (Start start : Start.values()) {
                int small = leastHeap(256, answer, start, 1, 64);
                int large = leastHeap(HEAP_PARAMETERS, answer, start, 40, 640);
                System.out.printf(
                        Locale.ROOT,
                        "| %s | %s | %d | %d | %.2f |%n",
                        answer == Answer.SAME ? "the task's model" : "copies",
                        start == Start.ASKED ? "from a client" : "given to the federation",
                        small,
                        large,
                        (large - small) * (double) (1 << 20) / (4.0 * HEAP_PARAMETERS));
            }
        }
    }

    private static int leastHeap(int parameters, Answer answer, Start start, int tooLittle, int enough)
            throws Exception {
        return LeastHeap.of(
                RoundOverheadBenchmark.class,
                tooLittle,
                enough,
                "probe",
                Integer.toString(parameters),
                answer.name(),
                start.name());
    }

    /** A few rounds that all complete with all clients, or an error. */
    private static void probe(int parameters, Answer answer, Start start) throws InterruptedException {
        for (RoundRecord round : federation(CLIENTS, parameters, answer, start, 5, new Ends())
                .run()
                .records()) {
            if (round.isAborted() || !round.outcomes().stream().allMatch(outcome -> outcome.isCompleted())) {
                throw new IllegalStateException("round " + round.round() + " lost a client");
            }
        }
    }
}
