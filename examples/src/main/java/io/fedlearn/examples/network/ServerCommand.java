package io.fedlearn.examples.network;

import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.examples.run.RunFolder;
import io.fedlearn.examples.run.RunOptions;
import io.fedlearn.examples.run.TimeConverter;
import io.fedlearn.examples.run.TrainingCommand;
import io.fedlearn.formats.safetensors.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

/** {@code fedlearn server}: combines what its clients train, whatever that is. */
@Command(
        name = "server",
        sortOptions = false,
        abbreviateSynopsis = true,
        modelTransformer = ServerCommand.OwnOptions.class,
        description = {
            "The place where models are combined: serves whatever its clients train.",
            "",
            "Clients connect to it, from behind their firewalls; it connects to nobody. The first model comes from a client or"
                    + " from --initial. Killed at any moment and started again with --resume, it goes on, and its clients come"
                    + " back by themselves.",
            ""
        },
        footerHeading = "%nFiles in the run's folder:%n",
        footer = {
            "  report.html        what came of it, with pictures; needs no network",
            "  history.json       every figure of every round",
            "  model.safetensors  the final model; best.safetensors the one with the least test loss",
            "  audit.jsonl        what happened, each record chained to the one before",
            "",
            "Examples:",
            "  fedlearn server --listen 127.0.0.1:8443 --insecure --rounds 10 --min-clients 2",
            "  fedlearn server --listen 0.0.0.0:8443 --tls-cert server.pem --tls-key server-key.pem --client-ca ca.pem \\",
            "      --rounds 50 --min-clients 4 --strategy fedadam --set serverLearningRate=0.01 --out runs/churn",
            "  fedlearn server --listen 127.0.0.1:8443 --protocol both --flower-listen 127.0.0.1:9092 --insecure \\",
            "      --rounds 10 --min-clients 2",
            ""
        })
public final class ServerCommand extends TrainingCommand {
    private static final Path DEFAULT_OUT = Path.of("runs", "server");
    private static final int DEFAULT_ROUNDS = 10;
    private static final List<String> METRICS = List.of(Evaluation.LOSS, Evaluation.ACCURACY, Evaluation.AUC);

    @Option(
            names = "--listen",
            paramLabel = "HOST:PORT",
            order = -70,
            converter = Address.Converter.class,
            description = "Where it listens: 0.0.0.0:8443 for all networks of this machine, port 0 for any that is free"
                    + " (default: ${DEFAULT-VALUE}).")
    private Address listen = new Address("127.0.0.1", 8443);

    @Option(
            names = "--protocol",
            paramLabel = "NAME",
            order = -69,
            description =
                    "Whose clients it serves: fedlearn, flower (Flower's Python clients and others of its protocol) or"
                            + " both, on two ports (default: ${DEFAULT-VALUE}).")
    private Served protocol = Served.FEDLEARN;

    @Mixin
    private final FlowerOptions flower = new FlowerOptions();

    @Option(
            names = "--min-clients",
            paramLabel = "K",
            order = -67,
            description = "How many clients must be there before a round starts (default: ${DEFAULT-VALUE}).")
    private int minClients = 2;

    @Option(
            names = "--client-wait",
            paramLabel = "TIME",
            order = -66,
            converter = TimeConverter.class,
            description = "How long a round waits for so many clients before the run is given up (default: 24h).")
    private Duration clientWait = Duration.ofHours(24);

    @Option(
            names = "--reconnect-grace",
            paramLabel = "TIME",
            order = -66,
            converter = TimeConverter.class,
            description =
                    "How long a client that has lost its connection is waited for; after that its tasks have failed"
                            + " (default: 2m).")
    private Optional<Duration> reconnectGrace = Optional.empty();

    @Option(
            names = "--any-schema",
            order = -66,
            description =
                    "Admit clients whose columns, classes, model or scale are not those of the first, with a warning"
                            + " instead of a refusal.")
    private boolean anySchema;

    @Option(
            names = "--initial",
            paramLabel = "FILE",
            order = -65,
            description = "The model to start from, as safetensors; roles of tensors are taken from the file's metadata"
                    + " (default: one client is asked for it).")
    private Optional<Path> initial = Optional.empty();

    @Option(
            names = "--fit-config",
            paramLabel = "K=V",
            split = ",",
            order = -64,
            description =
                    "What clients are told beside the settings of their training: numbers, true, false or texts; may be"
                            + " repeated.")
    private Map<String, String> fitConfig = new LinkedHashMap<>();

    @Mixin
    private final ServerSecurityOptions security = new ServerSecurityOptions();

    ServerCommand() {
        super(new RunOptions(DEFAULT_OUT, DEFAULT_ROUNDS, TrainingSettings.defaults()));
    }

    /** Leaves out options of runs whose clients are in the same process. */
    static final class OwnOptions implements IModelTransformer {
        @Override
        public CommandSpec transform(CommandSpec spec) {
            for (OptionSpec option : List.copyOf(spec.options())) {
                if (option.longestName().startsWith("--dp-")
                        || option.longestName().equals("--threads")) {
                    spec.remove(option);
                }
            }
            return spec;
        }
    }

    @Override
    protected void check() {
        if (minClients < 1) {
            throw new InputException("--min-clients must be >= 1, was " + minClients);
        }
        options().quorumOtherwise(minClients);
        options().check(minClients);
        if (reconnectGrace.isPresent() && protocol == Served.FLOWER) {
            throw new InputException("--reconnect-grace is of FedLearn's own clients: Flower's do not come back");
        }
        if (anySchema && fitConfig.containsKey(Schema.CODE)) {
            throw new InputException("--any-schema and --fit-config schema=CODE exclude each other");
        }
        security.check(protocol == Served.FLOWER);
        flower.check(protocol);
        told();
        initial.ifPresent(file -> {
            if (!Files.isRegularFile(file)) {
                throw new InputException("--initial: there is no file " + file);
            }
        });
    }

    /** What clients are told. */
    private Config told() {
        Config told = Config.empty();
        for (Map.Entry<String, String> entry : fitConfig.entrySet()) {
            try {
                told = told.with(entry.getKey(), value(entry.getValue()));
            } catch (IllegalArgumentException e) {
                throw new InputException("--fit-config: " + e.getMessage(), e);
            }
        }
        return told;
    }

    /** A text as what it looks like. */
    static Object value(String text) {
        if (text.equals("true") || text.equals("false")) {
            return Boolean.valueOf(text);
        }
        if (text.matches("[+-]?[0-9]{1,18}")) {
            return Long.valueOf(text);
        }
        if (text.matches("[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?")) {
            return Double.valueOf(text);
        }
        return text;
    }

    @Override
    protected void train(RunFolder folder) throws InterruptedException, IOException {
        Optional<Model> start = initial.map(ServerCommand::model);
        ConnectionLog log = ConnectionLog.to(this::say);
        SchemaGate gate = new SchemaGate(Optional.ofNullable(fitConfig.get(Schema.CODE)));
        try (Servers servers = Servers.start(protocol, listen, flower, security, own -> {
                    reconnectGrace.ifPresent(own::reconnectGrace);
                    if (!anySchema) {
                        own.admission(gate);
                    }
                });
                WaitReport waits = WaitReport.start(
                        servers.runtime(), Math.max(minClients, options().quorum()), this::say)) {
            gate.watch(servers.runtime());
            tell(servers);
            Federation.Builder federation = Federation.of(servers.runtime());
            options().configure(federation);
            federation.minClients(minClients).clientWait(clientWait).spoolDirectory(folder.path());
            told().asMap().forEach(federation::tellClients);
            start.ifPresent(federation::initialModel);
            federation
                    .listener(new SchemaWatch(servers.runtime(), this::say))
                    .listener(gate)
                    .listener(waits);
            Run run;
            try {
                run = run(federation, minClients, folder, METRICS);
            } catch (InterruptedException e) {
                servers.pause();
                throw e;
            } catch (RuntimeException e) {
                servers.fail(RunFailure.words(e));
                throw e;
            }
            finish(run, folder, ServerReport.page(run, METRICS));
        } finally {
            log.close();
        }
    }

    private static Model model(Path file) {
        try {
            return Safetensors.read(file).model();
        } catch (IOException e) {
            throw InputException.of("--initial: " + file + " cannot be read", e);
        }
    }

    /** Says where it listens, how it is secured, for how many clients it waits, and what to type at one. */
    private void tell(Servers servers) {
        servers.own().ifPresent(address -> {
            out().println("Listening on " + address + ", " + security.words() + ".");
            out().println("At each site:");
            out().println("  ./fedlearn client --server " + reachable(address) + " " + security.atClient()
                    + (security.isInsecure() ? " --id NAME" : "")
                    + " --data FILE.csv --label COLUMN --model logistic");
        });
        servers.flower().ifPresent(address -> {
            out().println("Listening for clients of Flower on " + address + ", " + flower.words(security) + ".");
            out().println("At each of them, in Python:");
            out().println("  fl.client.start_client(server_address=\"" + reachable(address) + "\", client=..."
                    + (security.isInsecure()
                            ? ", insecure=True)"
                            : ", root_certificates=open(\"CA.pem\", \"rb\").read())"));
        });
        if (security.isInsecure() && !listen.isLoopback()) {
            out().println("Warning: without TLS, " + listen
                    + " is open to everybody on its networks: models, metrics and who is who.");
        }
        servers.cautions(options().strategy(minClients), initial.isPresent())
                .forEach(caution -> out().println("Caution: " + caution + "."));
        out().println("Waiting for " + minClients + (minClients == 1 ? " client" : " clients") + " ...");
        out().println();
        out().flush();
    }

    /** The address as a client elsewhere would have it. */
    private static String reachable(Address address) {
        return (address.isAny() ? new Address("HOST", address.port()) : address).toString();
    }
}
