package io.fedlearn.examples;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line behind {@code ./fedlearn}. */
@Command(
        name = "fedlearn",
        mixinStandardHelpOptions = true,
        versionProvider = FedLearn.Version.class,
        description = "Trains one model where the data is: models travel, data stays.")
public final class FedLearn implements Runnable {
    @Spec
    private CommandSpec spec;

    private FedLearn() {}

    /** Runs the command that the arguments name, and ends the JVM with its exit code. */
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new FedLearn()).execute(arguments));
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Name a command.");
    }

    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"FedLearn " + io.fedlearn.core.LibraryVersion.current()};
        }
    }
}
