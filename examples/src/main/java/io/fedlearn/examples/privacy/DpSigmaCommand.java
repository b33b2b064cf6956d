package io.fedlearn.examples.privacy;

import io.fedlearn.examples.run.InputException;
import io.fedlearn.privacy.accounting.AccountingMethod;
import io.fedlearn.privacy.accounting.Calibration;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.accounting.UnsupportedEventException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn dp sigma}: how much noise a target needs. */
@Command(
        name = "sigma",
        sortOptions = false,
        description = {
            "Prints the least noise multiplier with which all steps together stay within epsilon; the number is the last line."
                    + " The epsilon of that number is never above the target.",
            "",
            AccountingOptions.CONVENTIONS,
            ""
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn dp sigma --epsilon 1 --q 0.01 --steps 1000 --delta 1e-5",
            "  fedlearn dp sigma --epsilon 8 --q 1 --steps 10 --delta 1e-5 --relation replace",
            ""
        })
final class DpSigmaCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--epsilon",
            paramLabel = "E",
            required = true,
            description = "The most that all steps together may cost, > 0.")
    private double epsilon;

    @Option(
            names = "--q",
            paramLabel = "Q",
            required = true,
            description = "Sampling rate of one step, in (0, 1]; 1 for no sampling.")
    private double rate;

    @Option(names = "--steps", paramLabel = "T", required = true, description = "How many steps, at least 1.")
    private long steps;

    @Mixin
    private AccountingOptions options = new AccountingOptions();

    @Override
    public Integer call() {
        Step step = Step.ofSomebody(options.relation(), rate);
        double target = Step.epsilon(epsilon);
        long count = Step.atLeastOne("--steps", steps);
        double delta = options.delta();
        AccountingMethod method = options.method(step.with(1));
        double sigma = leastSigma(method, step, count, target, delta);
        double reached = AccountingOptions.composed(method.start(step.relation()), step.with(sigma), count)
                .epsilon(delta);
        PrintWriter out = spec.commandLine().getOut();
        out.println(step.explained());
        out.println("accountant: " + method);
        out.println("epsilon reached at delta " + delta + " after " + count + (count == 1 ? " step: " : " steps: ")
                + reached);
        out.println("noise multiplier:");
        out.println(sigma);
        out.flush();
        return 0;
    }

    /** The least noise multiplier that keeps so many steps within the target. */
    static double leastSigma(AccountingMethod method, Step step, long count, double target, double delta) {
        try {
            return Calibration.of(method, step.relation(), target, delta)
                    .noiseMultiplier(z -> new PrivacyEvent.Repeated(count, step.with(z)));
        } catch (UnsupportedEventException e) {
            throw AccountingOptions.refused(e);
        } catch (IllegalArgumentException e) {
            throw new InputException("--" + e.getMessage(), e);
        }
    }
}
