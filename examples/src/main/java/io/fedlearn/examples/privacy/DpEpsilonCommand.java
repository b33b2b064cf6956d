package io.fedlearn.examples.privacy;

import io.fedlearn.privacy.accounting.AccountingMethod;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn dp epsilon}: what noise costs. */
@Command(
        name = "epsilon",
        sortOptions = false,
        description = {
            "Prints the epsilon of steps that each release the sum of a sample with Gaussian noise; the number is the last line.",
            "",
            AccountingOptions.CONVENTIONS,
            ""
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn dp epsilon --q 0.01 --sigma 1 --steps 1000 --delta 1e-5",
            "  fedlearn dp epsilon --q 0.01 --sigma 1 --steps 1000 --delta 1e-5 --relation replace",
            "  fedlearn dp epsilon --q 1 --sigma 10 --steps 100 --delta 1e-5 --accountant rdp",
            ""
        })
final class DpEpsilonCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--q",
            paramLabel = "Q",
            required = true,
            description = "Sampling rate of one step, in [0, 1]; 1 for no sampling.")
    private double rate;

    @Option(
            names = "--sigma",
            paramLabel = "S",
            required = true,
            description = "Noise multiplier: standard deviation over sensitivity, > 0.")
    private double sigma;

    @Option(names = "--steps", paramLabel = "T", required = true, description = "How many steps, at least 1.")
    private long steps;

    @Mixin
    private AccountingOptions options = new AccountingOptions();

    @Override
    public Integer call() {
        Step step = Step.of(options.relation(), rate);
        PrivacyEvent event = step.with(Step.sigma(sigma));
        long count = Step.atLeastOne("--steps", steps);
        double delta = options.delta();
        AccountingMethod method = options.method(event);
        double epsilon = AccountingOptions.composed(method.start(step.relation()), event, count)
                .epsilon(delta);
        PrintWriter out = spec.commandLine().getOut();
        out.println(step.explained());
        out.println("accountant: " + method);
        out.println("epsilon at delta " + delta + " after " + count + (count == 1 ? " step:" : " steps:"));
        out.println(epsilon);
        out.flush();
        return 0;
    }
}
