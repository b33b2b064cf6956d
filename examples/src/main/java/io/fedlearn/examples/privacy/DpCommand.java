package io.fedlearn.examples.privacy;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code fedlearn dp}: the accountants on the command line. */
@Command(
        name = "dp",
        subcommands = {
            DpEpsilonCommand.class,
            DpSigmaCommand.class,
            DpPlanCommand.class,
            DpLedgerCommand.class,
            CommandLine.HelpCommand.class
        },
        description = {
            "Accounts differential privacy: what noise costs, how much of it a target needs, and what was spent.",
            "",
            "Nothing is trained and no data is read. Every epsilon is an upper bound.",
            ""
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn dp epsilon --q 0.01 --sigma 1 --steps 1000 --delta 1e-5",
            "  fedlearn dp sigma --epsilon 1 --q 0.01 --steps 1000 --delta 1e-5",
            "  fedlearn dp plan --cohort 100 --population 10000 --epsilon 4 --rounds 500 --delta 1e-5",
            "  fedlearn dp ledger --ledger privacy.jsonl",
            ""
        })
public final class DpCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    DpCommand() {}

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Name what to compute: epsilon, sigma, plan or ledger.");
    }
}
