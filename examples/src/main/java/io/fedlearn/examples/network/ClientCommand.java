package io.fedlearn.examples.network;

import io.fedlearn.core.task.Config;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.examples.run.Interruption;
import io.fedlearn.grpc.client.Departure;
import io.fedlearn.models.DenseModel;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn client}: one site, which trains a small model on its CSV for a server elsewhere. */
@Command(
        name = "client",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "One site: trains a small model on its own CSV, for a server elsewhere.",
            "",
            "It connects to the server and is never connected to. Its rows stay here; models, numbers of examples and"
                    + " figures such as the loss are what it sends. It comes back by itself when the connection breaks or the"
                    + " server is restarted, and ends when the server says that the run is over.",
            ""
        },
        footerHeading = "%nWhat all sites must have in common:%n",
        footer = {
            "  the names of the columns learned from (in any order), the values of --category, --classes, --model and"
                    + " --hidden, and, where sites differ, one --scale FILE. A client prints a schema code of them, and tells the"
                    + " server their names; the server refuses clients that differ from the first.",
            "",
            "Examples:",
            "  fedlearn trial-data --out trial           makes CSVs of two banks that nobody has, to try it",
            "  fedlearn client --server 127.0.0.1:8443 --insecure --id bank-1 --data trial/bank-1.csv \\",
            "      --label subscribed --category contact=mail,none,phone --model logistic",
            "  fedlearn client --server fl.example:8443 --ca ca.pem --cert bank-1.pem --key bank-1-key.pem \\",
            "      --data customers.csv.gz --label churned --ignore id --missing mean --scale scale.json --model mlp",
            "  fedlearn client --protocol flower --server 127.0.0.1:9092 --insecure --data bank-1.csv ...",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:The server said that the run is over.",
            "1:The run has failed at the server, or there was another failure; one line says which.",
            "2:An option or a file cannot be used as it is, such as a key that does not fit its certificate, or a --ca that"
                    + " does not vouch for the server's.",
            "3:The server was out of reach for longer than --give-up-after.",
            "4:The server refused this client, such as for an unknown token or other columns than those of the run.",
            "5:Another process has joined under this client's id.",
            "6:Client and server have no version of the protocol in common, or one of them broke it.",
            "130:Interrupted (Ctrl-C); started again with the same --state, it takes up its place.",
            "143:Told to end (SIGTERM); otherwise as 130."
        })
public final class ClientCommand implements Callable<Integer> {
    private static final int DEFAULT_HIDDEN = 16;
    private static final int RUN_FAILED = 1;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--protocol",
            paramLabel = "NAME",
            order = -69,
            description = "fedlearn, or flower for a server of Flower (default: ${DEFAULT-VALUE}).")
    private Protocol protocol = Protocol.FEDLEARN;

    @Mixin
    private final SiteOptions site = new SiteOptions();

    @Mixin
    private final CsvOptions csv = new CsvOptions();

    @Option(
            names = "--model",
            paramLabel = "NAME",
            order = -47,
            required = true,
            description = "logistic (regression, two classes), softmax (regression, more) or mlp (a network with hidden"
                    + " layers); the same at every site.")
    private SiteModel model = SiteModel.LOGISTIC;

    @Option(
            names = "--hidden",
            paramLabel = "N",
            split = ",",
            order = -46,
            description = "The widths of the hidden layers of mlp (default: " + DEFAULT_HIDDEN + ").")
    private List<Integer> hidden = List.of();

    @Option(
            names = "--local-epochs",
            paramLabel = "N",
            order = -45,
            description = "Passes over the examples in a round, where the server does not say (default: "
                    + TrainingSettings.DEFAULT_LOCAL_EPOCHS + ").")
    private Optional<Integer> localEpochs = Optional.empty();

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            order = -44,
            description = "Examples per step, where the server does not say (default: "
                    + TrainingSettings.DEFAULT_BATCH_SIZE + ").")
    private Optional<Integer> batchSize = Optional.empty();

    @Option(
            names = "--learning-rate",
            paramLabel = "X",
            order = -43,
            description = "Step size of SGD, where the server does not say (default: "
                    + TrainingSettings.DEFAULT_LEARNING_RATE + ").")
    private Optional<Double> learningRate = Optional.empty();

    ClientCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        check();
        PrintWriter out = spec.commandLine().getOut();
        List<String> classes = csv.classes(model);
        SiteData data = csv.read(model);
        List<Integer> widths = hidden.isEmpty() ? List.of(DEFAULT_HIDDEN) : hidden;
        String description = model == SiteModel.MLP ? model + " " + widths : model.toString();
        Schema schema =
                Schema.of(data.features(), classes, description, data.scale().rule());
        tell(out, data, classes, description, schema.code());
        Supplier<DenseModel> maker = model.maker(data.features().size(), classes.size(), widths);
        SiteClient client = new SiteClient(
                LocalTrainingClient.of(maker, data.training(), data.test()),
                schema.code(),
                fallback().toConfig(),
                out);
        Interruption interruption = Interruption.ofThisThread();
        try {
            Config properties =
                    protocol == Protocol.FLOWER ? Config.empty().with(Schema.CODE, schema.code()) : schema.properties();
            Departure departure = site.join(protocol, client, properties, fileName(), line -> {
                out.println(line);
                out.flush();
            });
            boolean hasFailed = departure.cause() == Departure.Cause.RUN_FAILED;
            out.println((hasFailed ? "The run has failed at the server" : "The run is over")
                    + (departure.reason().isEmpty() ? "" : ": " + departure.reason())
                    + ". Tasks answered: " + departure.tasksAnswered() + ", times reconnected: "
                    + departure.reconnects() + ".");
            return hasFailed ? RUN_FAILED : 0;
        } catch (InterruptedException e) {
            out.println("Interrupted. Started again with the same options, this site takes up its place.");
            throw e;
        } finally {
            out.flush();
            interruption.close();
        }
    }

    private void check() {
        csv.check(model);
        site.check(protocol);
        if (!hidden.isEmpty() && model != SiteModel.MLP) {
            throw new InputException("--hidden is of --model mlp, and the model is " + model);
        }
        if (hidden.stream().anyMatch(width -> width < 1)) {
            throw new InputException("--hidden must be widths >= 1, were " + hidden);
        }
        fallback();
    }

    private TrainingSettings fallback() {
        try {
            TrainingSettings settings = TrainingSettings.defaults();
            if (localEpochs.isPresent()) {
                settings = settings.withLocalEpochs(localEpochs.get());
            }
            if (batchSize.isPresent()) {
                settings = settings.withBatchSize(batchSize.get());
            }
            if (learningRate.isPresent()) {
                settings = settings.withLearningRate(learningRate.get());
            }
            return settings;
        } catch (IllegalArgumentException e) {
            throw new InputException("--local-epochs, --batch-size, --learning-rate: " + e.getMessage(), e);
        }
    }

    /** The name of the CSV, without what says that it is one. */
    private String fileName() {
        Path name = csv.file().toAbsolutePath().getFileName();
        return name == null ? "client" : name.toString().replaceAll("\\.csv(\\.gz)?$", "");
    }

    private void tell(PrintWriter out, SiteData data, List<String> classes, String description, String schema) {
        out.println("Data:    " + csv.file() + ", " + data.rows() + " rows"
                + (data.dropped() == 0 ? "" : ", of which " + data.dropped() + " lack a field and are left out") + "; "
                + data.training().exampleCount() + " to train on, "
                + data.test().exampleCount() + " to test on");
        out.println("Learns:  " + String.join(", ", data.features()));
        out.println("Predicts: one of " + String.join(", ", classes) + ", by " + description);
        out.println("Scale:   "
                + switch (csv.scale()) {
                    case FeatureScale.SITE ->
                        "by this site's own mean and deviation; where sites differ, --scale FILE brings all to one";
                    case FeatureScale.NONE -> "none";
                    default -> "by " + csv.scale();
                });
        out.println("Schema:  " + schema + " (must be the same at every site)");
        out.flush();
    }
}
