package io.fedlearn.examples;

import io.fedlearn.core.FedLearnException;
import io.fedlearn.core.LibraryVersion;
import io.fedlearn.examples.audit.AuditCommand;
import io.fedlearn.examples.certs.CertsCommand;
import io.fedlearn.examples.conformance.BenchCommand;
import io.fedlearn.examples.credit.CreditCommand;
import io.fedlearn.examples.doctor.DoctorCommand;
import io.fedlearn.examples.froc.FrocCommand;
import io.fedlearn.examples.heart.HeartCommand;
import io.fedlearn.examples.luna16.Luna16AblationCommand;
import io.fedlearn.examples.luna16.Luna16Command;
import io.fedlearn.examples.luna16.Luna16DataCommand;
import io.fedlearn.examples.luna16.Luna16DetectCommand;
import io.fedlearn.examples.luna16.Luna16HospitalCommand;
import io.fedlearn.examples.luna16.Luna16LungsCommand;
import io.fedlearn.examples.luna16.Luna16ScoreCommand;
import io.fedlearn.examples.mnist.MnistCommand;
import io.fedlearn.examples.network.ClientCommand;
import io.fedlearn.examples.network.ServerCommand;
import io.fedlearn.examples.network.TrialDataCommand;
import io.fedlearn.examples.privacy.DpCommand;
import io.fedlearn.examples.run.StrategiesCommand;
import java.io.PrintWriter;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line behind {@code ./fedlearn}: each command is a class of its own, registered here. */
@Command(
        name = "fedlearn",
        subcommands = {
            HeartCommand.class,
            CreditCommand.class,
            MnistCommand.class,
            Luna16Command.class,
            Luna16HospitalCommand.class,
            Luna16DataCommand.class,
            Luna16ScoreCommand.class,
            Luna16DetectCommand.class,
            Luna16LungsCommand.class,
            Luna16AblationCommand.class,
            FrocCommand.class,
            ServerCommand.class,
            ClientCommand.class,
            TrialDataCommand.class,
            StrategiesCommand.class,
            BenchCommand.class,
            DpCommand.class,
            AuditCommand.class,
            CertsCommand.class,
            DoctorCommand.class,
            CommandLine.HelpCommand.class
        },
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        versionProvider = FedLearn.Version.class,
        description = {
            "Trains one model where the data is: models travel, data stays.",
            "",
            "Most commands train a model across several clients on this machine, print how it goes, and leave"
                    + " a folder with the model, the history of all rounds and a report to look at. server and client do"
                    + " the same across machines.",
            ""
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn heart              four hospitals learn to predict heart disease",
            "  fedlearn heart --compare    ... and how each of them would do alone",
            "  fedlearn credit             banks with databases of their own train a risk model, and account for it",
            "  fedlearn server --listen 127.0.0.1:8443 --insecure --rounds 10 --min-clients 2",
            "                              waits for clients in other processes; fedlearn client --help is their side",
            "  fedlearn help heart         everything about that command",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:The run is done.",
            "1:The run failed; one line says why, --stacktrace shows where.",
            "2:An option, a file or a folder cannot be used as it is; nothing was trained.",
            "3 to 6:Of client only: the server was out of reach, refused it, has another process under its id, or speaks"
                    + " another version. With --jdbc, 3: the database was out of reach.",
            "130:Interrupted (Ctrl-C). Finished rounds are saved and --resume goes on with them; the report is"
                    + " written at the end only, so there is none yet.",
            "143:Told to end (SIGTERM); otherwise as 130."
        })
public final class FedLearn implements Runnable {
    // A logger's level lasts as long as somebody holds the logger. What the library warns of, commands print.
    private static final List<Logger> LOGGERS = List.of(
            Logger.getLogger(""),
            Logger.getLogger("io.fedlearn"),
            Logger.getLogger("io.grpc.internal"),
            Logger.getLogger("org.postgresql"));

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--stacktrace",
            scope = ScopeType.INHERIT,
            description = "Show where in the program a failure came from.")
    private boolean stacktrace;

    FedLearn() {}

    /** Runs the command that the arguments name, and ends the JVM with its exit code. */
    public static void main(String[] arguments) {
        LOGGERS.get(0).setLevel(Level.WARNING);
        LOGGERS.get(1).setLevel(Level.SEVERE);
        // It warns with a stack trace of what a command says in one line, such as of an unknown host.
        LOGGERS.get(2).setLevel(Level.SEVERE);
        LOGGERS.get(3).setLevel(Level.SEVERE);
        System.exit(commandLine().execute(arguments));
    }

    /** The command line with all commands. */
    static CommandLine commandLine() {
        FedLearn root = new FedLearn();
        ITypeConverter<Integer> smallNumbers =
                text -> Math.toIntExact(wholeNumber(text, Integer.MIN_VALUE, Integer.MAX_VALUE));
        ITypeConverter<Long> numbers = text -> wholeNumber(text, Long.MIN_VALUE, Long.MAX_VALUE);
        return new CommandLine(root)
                .registerConverter(int.class, smallNumbers)
                .registerConverter(Integer.class, smallNumbers)
                .registerConverter(long.class, numbers)
                .registerConverter(double.class, FedLearn::number)
                .registerConverter(Double.class, FedLearn::number)
                .registerConverter(Path.class, FedLearn::path)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpAutoWidth(true)
                .setParameterExceptionHandler(FedLearn::reportUsage)
                .setExecutionExceptionHandler(root::reportFailure);
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Name a command.");
    }

    private static long wholeNumber(String text, long least, long most) {
        BigInteger value;
        try {
            value = new BigInteger(text.strip());
        } catch (NumberFormatException e) {
            throw new TypeConversionException("'" + text + "' is not a whole number");
        }
        if (value.compareTo(BigInteger.valueOf(least)) < 0 || value.compareTo(BigInteger.valueOf(most)) > 0) {
            throw new TypeConversionException(text + " is beyond " + least + " to " + most);
        }
        return value.longValue();
    }

    private static double number(String text) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            throw new TypeConversionException("'" + text + "' is not a number");
        }
    }

    private static Path path(String text) {
        if (text.isBlank()) {
            throw new TypeConversionException("a path must not be empty");
        }
        return Path.of(text);
    }

    /** What is wrong, in the words of the help: options and values are named as it names them. */
    private static String message(ParameterException problem) {
        if (problem.getArgSpec() instanceof OptionSpec option && option.type().isEnum() && problem.getValue() != null) {
            String names = Arrays.stream(option.type().getEnumConstants())
                    .map(Object::toString)
                    .collect(Collectors.joining(", "));
            return option.longestName() + " must be one of " + names + ", was '" + problem.getValue() + "'";
        }
        String message = String.valueOf(problem.getMessage());
        return message.startsWith("Error: ") ? message.substring("Error: ".length()) : message;
    }

    private static int reportUsage(ParameterException problem, String[] arguments) {
        PrintWriter err = problem.getCommandLine().getErr();
        err.println("fedlearn: " + message(problem));
        UnmatchedArgumentException.printSuggestions(problem, err);
        String name = problem.getCommandLine().getCommandSpec().qualifiedName();
        if (problem.getCommandLine().getParent() == null) {
            err.println("Commands: "
                    + String.join(
                            ", ", problem.getCommandLine().getSubcommands().keySet()));
        }
        err.println("'" + name + " --help' explains.");
        return ExitCode.USAGE;
    }

    private int reportFailure(Exception failure, CommandLine command, ParseResult parsed) {
        PrintWriter err = command.getErr();
        int code = ExitCode.of(failure);
        boolean isExplained = code != ExitCode.FAILED || failure instanceof FedLearnException;
        if (code != ExitCode.INTERRUPTED) {
            String message =
                    String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
            err.println("fedlearn: " + (isExplained ? "" : failure.getClass().getSimpleName() + ": ") + message);
        }
        if (stacktrace) {
            failure.printStackTrace(err);
        } else if (!isExplained) {
            err.println("--stacktrace shows where it came from.");
        }
        return code;
    }

    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {
                "FedLearn " + LibraryVersion.current(),
                "Java " + System.getProperty("java.version") + ", " + System.getProperty("os.name") + " "
                        + System.getProperty("os.arch")
            };
        }
    }
}
