package io.fedlearn.examples.run;

import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.federation.StopReason;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.examples.console.ConsoleProgress;
import io.fedlearn.examples.protection.ClientPrivacy;
import io.fedlearn.examples.protection.Ledgers;
import io.fedlearn.examples.protection.PatientPrivacy;
import io.fedlearn.examples.protection.PrivacySection;
import io.fedlearn.examples.protection.PrivacyTarget;
import io.fedlearn.examples.protection.PrivacyUnit;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.report.HtmlReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * A command that trains a model and keeps the run in a folder. A subclass says what is trained on what; this class
 * opens the folder, follows the run and ends it in order when the process is interrupted.
 */
public abstract class TrainingCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private final RunOptions options;

    // Set before other threads are told of the run.
    private volatile Optional<ConsoleProgress> shown = Optional.empty();
    private Optional<Interruption> ending = Optional.empty();
    private Optional<PatientPrivacy> patients = Optional.empty();
    private Optional<ClientPrivacy> clients = Optional.empty();
    private Optional<Ledgers> ledgers = Optional.empty();

    /** A command with these defaults. */
    protected TrainingCommand(RunOptions options) {
        this.options = options;
    }

    /** The options that all such commands have. */
    protected final RunOptions options() {
        return options;
    }

    /** The command as it was parsed. */
    protected final CommandSpec spec() {
        return spec;
    }

    /** Where the command prints. */
    protected final PrintWriter out() {
        return spec.commandLine().getOut();
    }

    /** Prints a line, above the bars if a run is shown. From any thread. */
    protected final void say(String line) {
        Optional<ConsoleProgress> progress = shown;
        if (progress.isPresent()) {
            progress.get().say(line);
        } else {
            out().println(line);
            out().flush();
        }
    }

    /** Prints a table, with an empty line above. */
    protected final void print(Grid grid) {
        out().println();
        grid.toLines().forEach(out()::println);
    }

    @Override
    public final Integer call() throws Exception {
        check();
        options.auditKeyWarning().ifPresent(warning -> say("Warning: " + warning + "."));
        if (isDoneOtherwise()) {
            out().flush();
            return 0;
        }
        Interruption interruption = Interruption.ofThisThread();
        ending = Optional.of(interruption);
        try (RunFolder folder = RunFolder.open(options, this::stores)) {
            ledgers = Optional.of(folder.ledgers());
            train(folder);
        } catch (InterruptedException e) {
            tellInterrupted();
            throw e;
        } catch (IOException | RuntimeException e) {
            if (interruption.explains(e)) {
                tellInterrupted();
                throw interrupted(e);
            }
            throw e;
        } finally {
            patients.ifPresent(PatientPrivacy::close);
            clients.ifPresent(ClientPrivacy::close);
            out().flush();
            interruption.close();
        }
        return 0;
    }

    private void tellInterrupted() {
        out().println();
        out().println("Interrupted. The rounds that are done lie in " + kept()
                + "; --resume goes on from there. The report comes with the last round.");
    }

    /** Where the rounds that are done lie. */
    protected String kept() {
        return options.out().toString();
    }

    private static InterruptedException interrupted(Exception cause) {
        InterruptedException interrupted = new InterruptedException("the command was told to end");
        interrupted.initCause(cause);
        return interrupted;
    }

    private Ledgers ledgers() {
        return ledgers.orElseThrow();
    }

    /** Opens what keeps the run: files of its folder, unless a command says otherwise. */
    protected RunStores stores() throws InterruptedException {
        return FileStores.of(options);
    }

    /**
     * Does something else than a run of its own, such as several runs, where the options ask for it.
     *
     * @return whether it did, and no run is wanted
     * @throws Exception if that fails
     */
    protected boolean isDoneOtherwise() throws Exception {
        return false;
    }

    /** Finds mistakes in the options before anything is opened. */
    protected abstract void check();

    /** Trains, tests and reports. */
    protected abstract void train(RunFolder folder) throws InterruptedException, IOException;

    /**
     * Runs a federation that has everything but its strategy, and keeps it in the folder.
     *
     * @param count how many clients it has
     */
    protected final Run run(Federation.Builder federation, int count, RunFolder folder, List<String> metrics)
            throws InterruptedException {
        ConsoleProgress progress = ConsoleProgress.of(out(), options.progress(), metrics);
        Strategy strategy = strategy(count);
        if (clients.isPresent()) {
            strategy = privately(strategy, clients.get(), federation);
        }
        folder.keep(federation, strategy);
        shown = Optional.of(progress);
        try {
            Run run = federation.strategy(strategy).listener(progress).run();
            if (run.records().isEmpty() && run.stopReason() == StopReason.PRIVACY_BUDGET_SPENT) {
                throw new InputException(
                        "no round was trained: what the ledger in " + ledgers() + " holds leaves no room for one");
            }
            return run;
        } catch (RuntimeException e) {
            if (ending.isPresent() && ending.get().explains(e)) {
                throw interrupted(e);
            }
            throw e;
        } finally {
            shown = Optional.empty();
            progress.pause();
        }
    }

    /**
     * Refuses to train beside a private run what would tell of those it protects.
     *
     * @throws InputException that names the options
     */
    protected final void checkComparison(boolean isCompared) {
        if (isCompared && options.privacy(PrivacyUnit.PATIENT).isPresent()) {
            throw new InputException("--compare trains without noise, and its figures would tell of those whom"
                    + " --dp-epsilon protects: pass one of the two");
        }
    }

    private static Strategy privately(Strategy strategy, ClientPrivacy privacy, Federation.Builder federation) {
        try {
            return privacy.appliedTo(strategy, federation);
        } catch (IllegalArgumentException e) {
            throw new InputException("--dp-unit client: " + e.getMessage(), e);
        }
    }

    /** Has sites protect their patients, until the command ends. */
    protected final PatientPrivacy protectPatients(PrivacyTarget target) {
        PatientPrivacy privacy = new PatientPrivacy(target, options.rounds(), options.training(), ledgers());
        patients = Optional.of(privacy);
        return privacy;
    }

    /**
     * Has the coordinator protect clients in the run to come, until the command ends, and warns if the noise would drown the model.
     *
     * @param count how many clients there are
     * @param rate with what probability each takes part in a round
     * @param parameters how many the model has
     */
    protected final PrivacySection protectClients(PrivacyTarget target, int count, double rate, long parameters) {
        ClientPrivacy privacy = new ClientPrivacy(target, options.rounds(), count, rate, ledgers());
        clients = Optional.of(privacy);
        PrivacySection section = new PrivacySection(
                target,
                "client with all its training data",
                privacy.relation(),
                privacy.grid(),
                privacy.warning(parameters));
        tell(section);
        return section;
    }

    /** Says whom the run protects, and how. */
    protected final void tell(PrivacySection section) {
        out().println();
        section.toLines().forEach(out()::println);
    }

    /** The training algorithm of so many clients. */
    protected Strategy strategy(int clients) {
        return options.strategy(clients);
    }

    /** Writes the report and says where everything is. */
    protected final void finish(Run run, RunFolder folder, HtmlReport report) throws IOException {
        report.write(folder.report());
        List<String> left = folder.leave(run);
        out().println();
        out().println("Report:  " + folder.report());
        out().println("Model:   " + folder.path().resolve("model.safetensors") + " (best: round "
                + run.best().round() + ", best.safetensors)");
        left.forEach(out()::println);
        out().println("model digest: " + run.model().digest());
    }
}
