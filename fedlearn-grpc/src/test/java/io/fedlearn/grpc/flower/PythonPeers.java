package io.fedlearn.grpc.flower;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Processes of Python that speak Flower's protocol. */
final class PythonPeers {
    private PythonPeers() {}

    /** The first Python that can import these modules. */
    static Optional<String> python(String modules) {
        return Stream.of("python3", "/usr/bin/python3")
                .filter(command -> imports(command, modules))
                .findFirst();
    }

    private static boolean imports(String command, String modules) {
        try {
            Process process = new ProcessBuilder(command, "-c", "import " + modules)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor(60, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Starts a script among the resources, whose output goes to this file. */
    static Process start(String python, String script, Path output, List<String> arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                python,
                Path.of(Objects.requireNonNull(PythonPeers.class.getResource(script))
                                .toURI())
                        .toString()));
        command.addAll(arguments);
        return new ProcessBuilder(command)
                .redirectOutput(output.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }
}
