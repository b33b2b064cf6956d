package io.fedlearn.examples.doctor;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn doctor}: what works on this machine. */
@Command(
        name = "doctor",
        sortOptions = false,
        description = {
            "Says what of all this works on this machine: Java, memory and disks, the library that computes and on what"
                    + " it does, which formats of scans can be read, PostgreSQL for trials, Python. What is missing comes"
                    + " with how to add it.",
            "",
            "Nothing is asked of the network, and nothing is changed.",
            ""
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn doctor",
            "  fedlearn doctor --json | jq '.checks[] | select(.state != \"ok\")'",
            "  FEDLEARN_JAVA_OPTS=-Dfedlearn.simpleitk.jar=/opt/simpleitk/simpleitk.jar fedlearn doctor",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:All that is required is there.",
            "1:Something that is required is missing; the last line names it.",
            "2:An option cannot be used as it is."
        })
public final class DoctorCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--json", description = "Print what was found as JSON.")
    private boolean json;

    DoctorCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        Checkup checkup = Checkup.ofThisMachine();
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(checkup.json());
        } else {
            checkup.lines().forEach(out::println);
        }
        out.flush();
        return checkup.isFit() ? 0 : 1;
    }
}
