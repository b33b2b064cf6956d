package io.fedlearn.examples.doctor;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fedlearn.core.LibraryVersion;
import io.fedlearn.dl4j.Dl4jBackend;
import io.fedlearn.examples.doctor.Check.Area;
import io.fedlearn.examples.doctor.Check.State;
import io.fedlearn.luna16.image.VolumeReaders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.Loader;

/**
 * What was found on this machine.
 *
 * @param checks in the order in which they are shown
 */
record Checkup(List<Check> checks) {
    private static final Path NVIDIA_DRIVER = Path.of("/proc/driver/nvidia/version");
    private static final String INDENT = "  ";

    Checkup {
        checks = List.copyOf(checks);
    }

    /** Looks at this machine; nothing is asked of the network. */
    static Checkup ofThisMachine() throws InterruptedException {
        Runtime runtime = Runtime.getRuntime();
        List<Check> checks = new ArrayList<>();
        checks.add(MachineChecks.java(Runtime.version().feature(), MachineChecks.javaName()));
        checks.add(MachineChecks.processors(runtime.availableProcessors()));
        checks.add(MachineChecks.memory(MachineChecks.physicalMemory(), runtime.maxMemory()));
        checks.add(MachineChecks.disk("disk for runs", Path.of("").toAbsolutePath(), "--out DIR"));
        checks.add(MachineChecks.disk(
                "disk for temporary files",
                Path.of(System.getProperty("java.io.tmpdir")),
                "FEDLEARN_JAVA_OPTS=-Djava.io.tmpdir=DIR"));
        checks.add(MachineChecks.disk(
                "disk for native libraries", nativeCache(), "FEDLEARN_JAVA_OPTS=-Dorg.bytedeco.javacpp.cachedir=DIR"));
        Check backend = NetworkChecks.backend(Dl4jBackend::present);
        checks.add(backend);
        if (backend.state() != State.FAILED) {
            checks.add(NetworkChecks.nativeMemory(NetworkChecks.nativeLimit(), runtime.maxMemory()));
        }
        boolean cuda =
                backend.state() != State.FAILED && Dl4jBackend.present().name().equals("CUDA");
        boolean library = Checkup.class.getClassLoader().getResource(NetworkChecks.CUDA_BACKEND) != null;
        checks.add(NetworkChecks.cuda(driver(), library, cuda));
        checks.addAll(ReaderChecks.of(VolumeReaders.installed()));
        checks.add(ProgramChecks.postgres(ProgramChecks.system(), ProgramChecks.processor()));
        checks.add(ProgramChecks.python(ProgramChecks.askPython(
                Optional.ofNullable(System.getenv("PATH")).orElse(""))));
        return new Checkup(checks);
    }

    private static Path nativeCache() {
        try {
            return Loader.getCacheDir().toPath();
        } catch (IOException e) {
            return Path.of(System.getProperty("user.home"), ".javacpp", "cache");
        }
    }

    private static Optional<String> driver() {
        try {
            return Files.readAllLines(NVIDIA_DRIVER).stream().findFirst();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Whether all that is required is there. */
    boolean isFit() {
        return checks.stream().noneMatch(check -> check.state() == State.FAILED);
    }

    /** For people: area by area, and how to add what is missing. */
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add("FedLearn " + LibraryVersion.current() + " on " + System.getProperty("os.name") + " "
                + System.getProperty("os.arch"));
        int width =
                checks.stream().mapToInt(check -> check.name().length()).max().orElse(0);
        for (Area area : Area.values()) {
            List<Check> found =
                    checks.stream().filter(check -> check.area() == area).toList();
            if (!found.isEmpty()) {
                lines.add("");
                lines.add(area.toString());
                for (Check check : found) {
                    String format = INDENT + "%-7s  %-" + width + "s  %s";
                    lines.add(String.format(Locale.ROOT, format, check.state(), check.name(), check.detail()));
                    check.remedy()
                            .ifPresent(remedy -> lines.add(String.format(Locale.ROOT, format, "", "", "-> " + remedy)));
                }
            }
        }
        lines.add("");
        lines.add(verdict());
        return lines;
    }

    private String verdict() {
        String failed = names(State.FAILED);
        if (!failed.isEmpty()) {
            return "Required and missing: " + failed + ".";
        }
        String warnings = names(State.WARNING);
        String absent = names(State.ABSENT);
        return "All that is required is there."
                + (warnings.isEmpty() ? "" : " Not as it should be: " + warnings + ".")
                + (absent.isEmpty() ? "" : " Absent, and needed by some uses only: " + absent + ".");
    }

    private String names(State state) {
        return checks.stream()
                .filter(check -> check.state() == state)
                .map(Check::name)
                .collect(Collectors.joining(", "));
    }

    /** For programs. */
    String json() {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode root = mapper.createObjectNode();
        root.put("version", LibraryVersion.current());
        root.put("system", System.getProperty("os.name"));
        root.put("processor", System.getProperty("os.arch"));
        root.put("fit", isFit());
        ArrayNode list = root.putArray("checks");
        for (Check check : checks) {
            ObjectNode node = list.addObject();
            node.put("area", check.area().name().toLowerCase(Locale.ROOT));
            node.put("name", check.name());
            node.put("state", check.state().toString());
            node.put("detail", check.detail());
            check.remedy().ifPresent(remedy -> node.put("remedy", remedy));
        }
        return root.toPrettyString();
    }
}
