package io.fedlearn.examples.luna16;

import io.fedlearn.core.task.Config;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.dl4j.Dl4jBackend;
import io.fedlearn.examples.network.Protocol;
import io.fedlearn.examples.network.SiteClient;
import io.fedlearn.examples.network.SiteOptions;
import io.fedlearn.examples.network.SiteProcess;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.grpc.client.Departure;
import io.fedlearn.luna16.dataset.DatasetCheck;
import io.fedlearn.luna16.dataset.Luna16Dataset;
import io.fedlearn.luna16.dataset.Scan;
import io.fedlearn.luna16.dataset.ScanSplit;
import io.fedlearn.luna16.dataset.SiteAssignment;
import io.fedlearn.luna16.network.Luna16Client;
import io.fedlearn.luna16.patch.PatchCache;
import io.fedlearn.luna16.patch.PatchSet;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** One hospital of {@code fedlearn luna16 --distributed}, in a process of its own; it finds its patches cut. */
@Command(
        name = Luna16HospitalCommand.NAME,
        hidden = true,
        description = "One hospital of 'fedlearn luna16 --distributed', which starts it.")
public final class Luna16HospitalCommand implements Callable<Integer> {
    /** The command's name: {@value}. */
    static final String NAME = "luna16-hospital";

    @Spec
    private CommandSpec spec;

    @Mixin
    private final DataOptions data = new DataOptions();

    @Mixin
    private final PatchOptions patches = new PatchOptions();

    @Mixin
    private final SiteOptions connection = new SiteOptions();

    @Option(names = "--hospital", required = true, description = "Which of the hospitals this is.")
    private String name = "";

    @Option(names = "--seed", description = "That of the run.")
    private long seed;

    Luna16HospitalCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        SiteProcess.endWithParent(out);
        data.check();
        patches.check();
        connection.check(Protocol.FEDLEARN);
        Dl4jBackend.useThreads(patches.nativeThreads());
        NetworkSettings settings = patches.settings();
        Hospital hospital = hospital(settings);
        Luna16Client client = Luna16Client.of(
                LocalModelPool.of(settings.network()::create),
                hospital.trainingExamples(patches.recipe(Optional.empty())),
                hospital.testExamples());
        out.println("Hospital " + name + ": " + hospital.training().size() + " patches to train on, "
                + hospital.test().size() + " to test on.");
        SiteClient narrated = new SiteClient(client, "", Config.empty(), out);
        Departure departure = connection.join(Protocol.FEDLEARN, narrated, Config.empty(), NAME, line -> {
            out.println(line);
            out.flush();
        });
        boolean hasFailed = departure.cause() == Departure.Cause.RUN_FAILED;
        out.println((hasFailed ? "The run has failed. " : "The run is over. ") + "Tasks answered: "
                + departure.tasksAnswered() + ".");
        out.flush();
        return hasFailed ? 1 : 0;
    }

    private Hospital hospital(NetworkSettings settings) throws InterruptedException {
        Path directory = data.folder().orElseThrow(() -> new InputException("--data must be given"));
        DatasetCheck check = DatasetCheck.of(Luna16Dataset.open(directory));
        SiteAssignment sites = data.assign(check, directory, seed);
        List<Scan> own = sites.sites().get(name);
        if (own == null) {
            throw new InputException(
                    "--hospital " + name + " is none of " + sites.sites().keySet());
        }
        Map<String, ScanSplit> splits = data.split(sites, seed);
        PatchCache cache = PatchCache.at(data.cache().orElseThrow(() -> new InputException("--cache must be given")));
        PatchSet cut =
                cache.prepare(own, settings.patches(), data.selection(seed)).patches();
        return Luna16Data.hospital(name, own.size(), splits, cut);
    }
}
