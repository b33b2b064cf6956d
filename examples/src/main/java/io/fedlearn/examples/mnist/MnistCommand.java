package io.fedlearn.examples.mnist;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.CentralEvaluation;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.partition.Partition;
import io.fedlearn.core.partition.Partitioner;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.examples.protection.PatientPrivacy;
import io.fedlearn.examples.protection.PrivacySection;
import io.fedlearn.examples.protection.PrivacyTarget;
import io.fedlearn.examples.protection.PrivacyUnit;
import io.fedlearn.examples.report.Figures;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.examples.run.RunFolder;
import io.fedlearn.examples.run.RunOptions;
import io.fedlearn.examples.run.TrainingCommand;
import io.fedlearn.models.DenseModel;
import io.fedlearn.privacy.site.PersonExamples;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code fedlearn mnist}: simulated clients learn to read handwritten digits. */
@Command(
        name = "mnist",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "Simulated clients learn to read handwritten digits together.",
            "",
            "The training images are divided among the clients by a rule; the test images stay with the coordinator,"
                    + " which measures loss and accuracy after each round.",
            ""
        },
        footerHeading = "%nPartitions:%n",
        footer = {
            "  iid          every client has the same mix of digits",
            "  shards:N     every client has N pieces of the images sorted by digit, hence few digits (shards"
                    + " is shards:2)",
            "  dirichlet:A  the clients' shares of each digit are drawn at random; the smaller A, the more uneven",
            "  quantity:B   the same mix everywhere, in amounts drawn at random",
            "  dirichlet:A:MINIMUM and quantity:B:MINIMUM leave no client with fewer images than MINIMUM (1 unless"
                    + " given)",
            "",
            "Data: DIR holds " + MnistData.FILES + ".",
            "",
            "Examples:",
            "  fedlearn mnist --data DIR --clients 10 --partition iid",
            "  fedlearn mnist --data DIR --clients 100 --partition shards --fraction 0.1 --rounds 100 --local-epochs 5",
            "  fedlearn mnist --data DIR --clients 50 --partition dirichlet:0.3 --model mlp --strategy fedadam",
            ""
        })
public final class MnistCommand extends TrainingCommand {
    private static final Path DEFAULT_OUT = Path.of("runs", "mnist");
    private static final int DEFAULT_ROUNDS = 20;
    private static final TrainingSettings DEFAULT_TRAINING = TrainingSettings.defaults();
    private static final int DEFAULT_CLIENTS = 10;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            order = -15,
            description = "Folder with the four idx files (required).")
    private Optional<Path> data = Optional.empty();

    @Option(
            names = "--clients",
            paramLabel = "N",
            order = -14,
            description = "How many clients there are (default: ${DEFAULT-VALUE}).")
    private int clients = DEFAULT_CLIENTS;

    @Option(
            names = "--partition",
            paramLabel = "RULE",
            order = -13,
            description = "How the training images are divided, see below (default: ${DEFAULT-VALUE}).")
    private String partition = "iid";

    @ArgGroup(exclusive = true)
    private Cohort cohort = new Cohort();

    @Option(
            names = "--model",
            paramLabel = "NAME",
            order = -10,
            description = "softmax (regression) or mlp (two hidden layers of 200) (default: ${DEFAULT-VALUE}).")
    private MnistModel model = MnistModel.SOFTMAX;

    private Optional<PrivacySection> privacy = Optional.empty();

    /** How many clients train in a round. */
    static final class Cohort {
        @Option(
                names = "--fraction",
                paramLabel = "C",
                order = -12,
                description = "What share of the clients trains in a round, above 0 to 1 (default: all).")
        private Optional<Double> fraction = Optional.empty();

        @Option(
                names = "--clients-per-round",
                paramLabel = "K",
                order = -11,
                description = "How many clients train in a round (default: all).")
        private Optional<Integer> count = Optional.empty();

        /** How many of so many clients are chosen; empty for all. */
        Optional<Integer> of(int clients) {
            return count.or(() -> fraction.map(share -> (int) Math.max(1, Math.round(share * clients))));
        }

        void check(int clients) {
            if (fraction.isPresent() && !(fraction.get() > 0 && fraction.get() <= 1)) {
                throw new InputException("--fraction must be above 0 and at most 1, was " + fraction.get());
            }
            if (count.isPresent() && (count.get() < 1 || count.get() > clients)) {
                throw new InputException(
                        "--clients-per-round must be from 1 to the " + clients + " clients, was " + count.get());
            }
        }
    }

    MnistCommand() {
        super(new RunOptions(DEFAULT_OUT, DEFAULT_ROUNDS, DEFAULT_TRAINING));
    }

    @Override
    protected void check() {
        if (data.isEmpty()) {
            throw new InputException("--data is needed: a folder with " + MnistData.FILES);
        }
        if (clients < 1) {
            throw new InputException("--clients must be >= 1, was " + clients);
        }
        cohort.check(clients);
        partitioner();
        options().check(cohort.of(clients).orElse(clients));
    }

    @Override
    protected Strategy strategy(int count) {
        Strategy strategy = super.strategy(count);
        if (target().isPresent() && target().get().unit() == PrivacyUnit.CLIENT) {
            // The sampling that privacy rests on is not this one.
            return strategy;
        }
        return cohort.of(count)
                .map(asked -> strategy.withSelector(ClientSelector.uniform(asked)))
                .orElse(strategy);
    }

    @Override
    protected void train(RunFolder folder) throws InterruptedException, IOException {
        MnistData images = MnistData.read("--data", data.orElseThrow());
        Partition parts = divide(images);
        MnistReport report = new MnistReport(images, parts);
        out().println(images.training().exampleCount() + " training images with " + clients + " clients (" + partition
                + "), " + images.test().exampleCount() + " test images.");
        print(report.clients());
        out().println();
        out().flush();
        Federation.Builder federation = federation(images, parts);
        Run run = run(federation, clients, folder, MnistReport.METRICS);
        out().println();
        out().println("Final model, on the test images: loss "
                + Figures.metric(run.records().get(run.records().size() - 1).metrics(), Evaluation.LOSS) + ", accuracy "
                + Figures.metric(run.records().get(run.records().size() - 1).metrics(), Evaluation.ACCURACY));
        finish(run, folder, report.page(run, privacy));
        privacy.ifPresent(section -> out().println(section.spent(run)));
    }

    private Optional<PrivacyTarget> target() {
        return options().privacy(PrivacyUnit.CLIENT);
    }

    private Partitioner partitioner() {
        try {
            return Partitioner.parse(partition);
        } catch (IllegalArgumentException e) {
            throw new InputException("--" + e.getMessage(), e);
        }
    }

    private Partition divide(MnistData images) {
        try {
            return partitioner()
                    .partition(
                            images.training().classes(),
                            clients,
                            SeededRandom.derive(options().seed(), "partition"));
        } catch (IllegalArgumentException e) {
            String message = String.valueOf(e.getMessage());
            throw new InputException(
                    "--partition " + partition + " with --clients " + clients + ": "
                            + (message.startsWith("clients must be")
                                    ? "the " + images.training().exampleCount()
                                            + " training images are too few for that"
                                    : message),
                    e);
        }
    }

    private Federation.Builder federation(MnistData images, Partition parts) {
        Shape shape = images.training().featureShape();
        LocalModelPool models = LocalModelPool.of(() -> model.create(shape));
        Map<String, Client> sites = new TreeMap<>();
        Optional<PatientPrivacy> patients = target().filter(promised -> promised.unit() == PrivacyUnit.PATIENT)
                .map(this::protectPatients);
        for (int i = 0; i < parts.clientCount(); i++) {
            ExampleSource own = images.training().subset(parts.examples(i));
            sites.put(
                    name(i),
                    patients.isPresent()
                            ? patients.get().client(name(i), models, PersonExamples.ofRecords(own), images.test())
                            : LocalTrainingClient.of(models, own));
        }
        DenseModel tester = model.create(shape);
        CentralEvaluation evaluation = weights -> {
            tester.load(weights);
            return Evaluation.of(tester, images.test()).metrics();
        };
        Federation.Builder federation = Federation.of(sites)
                .initialModel(model.create(shape).initialModel(options().seed()))
                .federatedEvaluation(false)
                .centralEvaluation(evaluation)
                .setting("model", model.toString())
                .setting("data", images.digest())
                .setting("clients", clients)
                .setting("partition", partition);
        options().configure(federation);
        patients.ifPresent(sitesPrivacy -> {
            sitesPrivacy.describeTo(federation);
            PrivacySection section = new PrivacySection(
                    target().orElseThrow(), "image", PatientPrivacy.RELATION, sitesPrivacy.grid(), Optional.empty());
            tell(section);
            privacy = Optional.of(section);
        });
        target().filter(promised -> promised.unit() == PrivacyUnit.CLIENT).ifPresent(promised -> {
            double rate = (double) cohort.of(clients).orElse(clients) / clients;
            privacy = Optional.of(protectClients(
                    promised, clients, rate, model.create(shape).spec().trainableCount()));
        });
        return federation;
    }

    /** A name under which clients sort as they are numbered. */
    private String name(int client) {
        int digits = Integer.toString(clients).length();
        return String.format(Locale.ROOT, "client-%0" + digits + "d", client + 1);
    }
}
