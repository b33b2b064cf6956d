package io.fedlearn.examples.conformance;

import io.fedlearn.examples.chaos.ChaosCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code fedlearn bench}: what holds FedLearn itself to a measure. */
@Command(
        name = "bench",
        subcommands = {ConformanceCommand.class, ChaosCommand.class, CommandLine.HelpCommand.class},
        description = {"Holds FedLearn itself to a measure.", ""},
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn bench conformance --fast    do the algorithms do what their papers say?",
            "  fedlearn bench chaos                 does a federation survive its network and its processes?",
            "  fedlearn bench help conformance      everything about that command",
            ""
        })
public final class BenchCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    BenchCommand() {}

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Name what to measure: conformance or chaos.");
    }
}
