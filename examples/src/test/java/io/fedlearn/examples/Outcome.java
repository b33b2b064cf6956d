package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;

/** What came of a command: its exit code and what it printed. */
record Outcome(int exitCode, String out, String err) {
    private static final Pattern DIGEST = Pattern.compile("(?m)^model digest: ([0-9a-f]{64})$");

    /** Runs a command in this process. */
    static Outcome of(Object... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command =
                FedLearn.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        String[] texts = new String[arguments.length];
        for (int i = 0; i < texts.length; i++) {
            texts[i] = arguments[i].toString();
        }
        return new Outcome(command.execute(texts), out.toString(), err.toString());
    }

    /** This outcome, which must be a success. */
    Outcome done() {
        assertThat(err).isEmpty();
        assertThat(exitCode).isZero();
        return this;
    }

    /** The digest that the command printed. */
    String digest() {
        return digest(out);
    }

    static String digest(String output) {
        Matcher matcher = DIGEST.matcher(output);
        assertThat(matcher.find()).as("digest in %s", output).isTrue();
        return matcher.group(1);
    }
}
