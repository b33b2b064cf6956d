package io.fedlearn.examples.run;

import io.fedlearn.aggregators.catalogue.MethodCatalogue;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code fedlearn strategies}: the methods that {@code --strategy} takes. */
@Command(
        name = "strategies",
        description = {
            "Lists the training algorithms that --strategy takes, with their settings and defaults.",
            "",
            "docs/methods.md has their equations and papers, and what each of them bears."
        },
        footerHeading = "%nExample:%n",
        footer = {"  fedlearn heart --strategy fedadam --set serverLearningRate=0.01 --set tau=0.01", ""})
public final class StrategiesCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        int width = MethodCatalogue.methods().stream()
                .mapToInt(method -> method.name().length())
                .max()
                .orElse(0);
        for (MethodCatalogue.Method method : MethodCatalogue.methods()) {
            out.printf("%-" + width + "s  %s%n", method.name(), method.summary());
            if (!method.settings().isEmpty()) {
                out.printf(
                        "%-" + width + "s    %s%n",
                        "",
                        method.settings().entrySet().stream()
                                .map(setting -> setting.getKey() + "="
                                        + (setting.getValue().isEmpty() ? "?" : setting.getValue()))
                                .collect(Collectors.joining(", ")));
            }
        }
        out.println();
        out.println(
                "A setting is given by --set NAME=VALUE; one with ? has no default in the library. The commands here");
        out.println("give mu as " + StrategyOptions.DEFAULT_MU + ", and clients as the number of clients.");
        out.flush();
        return 0;
    }
}
