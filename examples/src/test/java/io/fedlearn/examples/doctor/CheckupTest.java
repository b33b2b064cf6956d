package io.fedlearn.examples.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fedlearn.dl4j.Dl4jBackend;
import io.fedlearn.examples.doctor.Check.Area;
import io.fedlearn.examples.doctor.Check.State;
import io.fedlearn.luna16.image.SimpleItk;
import io.fedlearn.luna16.image.VolumeReader;
import io.fedlearn.luna16.image.VolumeReaders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class CheckupTest {
    @TempDir
    Path folder;

    private static Dl4jBackend backend(boolean oneDnn) {
        return new Dl4jBackend("CPU", "linux-x86_64-onednn-avx2", "1", oneDnn, "AVX2", 1);
    }

    @ParameterizedTest
    @CsvSource({"16,FAILED", "17,OK", "25,OK"})
    void requiresJava17(int version, State state) {
        assertThat(MachineChecks.java(version, "some").state()).isEqualTo(state);
    }

    @Test
    void warnsOfASmallHeapAndSaysHowToEnlargeIt() {
        Check small = MachineChecks.memory(16L << 30, 512L << 20);

        assertThat(small.state()).isEqualTo(State.WARNING);
        assertThat(small.detail())
                .isEqualTo("16.0 GiB in this machine, Java's heap takes up to 0.5 GiB, which whole scans may not fit");
        assertThat(small.remedy())
                .hasValueSatisfying(remedy -> assertThat(remedy).contains("-Xmx"));
        assertThat(MachineChecks.memory(0, 2L << 30))
                .isEqualTo(Check.ok(Area.MACHINE, "memory", "Java's heap takes up to 2.0 GiB"));
    }

    @ParameterizedTest
    @CsvSource({"10,FAILED", "1000,WARNING", "3000,OK"})
    void looksForRoomOnDisks(long mebibytes, State state) {
        assertThat(MachineChecks.disk("disk", folder, mebibytes << 20, "--out DIR")
                        .state())
                .isEqualTo(state);
    }

    @Test
    void leavesNothingInAFolderThatCanBeWritten() throws IOException {
        Path deep = folder.resolve("not/yet/there");

        assertThat(MachineChecks.disk("disk", deep, "--out DIR").detail()).endsWith("free in " + deep);
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void failsOnAFolderThatCannotBeWritten() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));

        Check check = MachineChecks.disk("disk", file, "--out DIR");

        assertThat(check.state()).isEqualTo(State.FAILED);
        assertThat(check.detail()).startsWith(file + " cannot be written: ");
        assertThat(check.remedy()).hasValue("name another folder: --out DIR");
    }

    @Test
    void warnsOfASlowBackend() {
        assertThat(NetworkChecks.backend(backend(true)).state()).isEqualTo(State.OK);

        Check slow = NetworkChecks.backend(backend(false));
        assertThat(slow.state()).isEqualTo(State.WARNING);
        assertThat(slow.remedy())
                .hasValueSatisfying(remedy -> assertThat(remedy).contains("oneDNN"));
    }

    @Test
    void warnsWhenTheHeapMayTakeAllNativeMemory() {
        assertThat(NetworkChecks.nativeMemory(4L << 30, 1L << 30).state()).isEqualTo(State.OK);
        assertThat(NetworkChecks.nativeMemory(0, 1L << 30).state()).isEqualTo(State.OK);
        assertThat(NetworkChecks.nativeMemory(1L << 30, 1L << 30).state()).isEqualTo(State.WARNING);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "\"\" | false | false | ABSENT | neither a driver nor ND4J's CUDA backend",
                "\"\" | true | false | ABSENT | ND4J's CUDA backend is there, a driver is not",
                "driver 535 | false | false | ABSENT | driver 535; ND4J's CUDA backend is not there",
                "driver 535 | true | false | WARNING | driver 535; ND4J's CUDA backend is there and not in use",
                "driver 535 | true | true | OK | driver 535"
            })
    void saysWhatOfCudaIsThere(String driver, boolean library, boolean used, State state, String detail) {
        Check check = NetworkChecks.cuda(driver.isEmpty() ? Optional.empty() : Optional.of(driver), library, used);

        assertThat(check.state()).isEqualTo(state);
        assertThat(check.detail()).isEqualTo(detail);
        assertThat(check.remedy().isPresent()).isEqualTo(state != State.OK);
    }

    @Test
    void listsReadersAndWhatTheyLack() {
        VolumeReader absent = SimpleItk.of(folder.resolve("simpleitk.jar"));

        List<Check> checks =
                ReaderChecks.of(VolumeReaders.of(List.of(VolumeReaders.builtIn().named("MetaImage"), absent)));

        assertThat(checks).extracting(Check::name).containsExactly("MetaImage", "SimpleITK", "DICOM");
        assertThat(checks).extracting(Check::state).containsExactly(State.OK, State.ABSENT, State.ABSENT);
        assertThat(checks.get(1).remedy()).isEqualTo(absent.missing());
    }

    @Test
    void countsSystemsWithoutPostgresAsAbsent() {
        assertThat(ProgramChecks.postgres("Plan9", "vax").state()).isEqualTo(State.ABSENT);
    }

    @Test
    void findsProgramsOnThePath() throws IOException {
        Path program = Files.createFile(folder.resolve("python3"));
        assertThat(ProgramChecks.onPath(folder.toString(), "python3")).isEmpty();
        assertThat(program.toFile().setExecutable(true)).isTrue();

        assertThat(ProgramChecks.onPath("/nowhere:\0::" + folder, "python3")).hasValue(program);
    }

    @Test
    void takesAPythonThatDoesNotAnswerForNone() throws IOException, InterruptedException {
        Path program = Files.writeString(folder.resolve("python3"), "#!/bin/sh\nexit 1\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();

        assertThat(ProgramChecks.askPython(folder.toString())).isEmpty();
        assertThat(ProgramChecks.python(Optional.empty()).state()).isEqualTo(State.ABSENT);

        Files.writeString(program, "#!/bin/sh\necho 3.11.2 with numpy\n");
        assertThat(ProgramChecks.askPython(folder.toString())).hasValue("3.11.2 with numpy, " + program);
    }

    @Test
    void isFitUnlessSomethingRequiredIsMissing() {
        Check fine = Check.ok(Area.MACHINE, "Java", "17");
        Check absent = Check.absent(Area.PROGRAMS, "Python", "none", "install it");
        Check warning = Check.warning(Area.MACHINE, "memory", "little", "add some");
        Check failed = Check.failed(Area.NETWORKS, "ND4J", "none", "build it");

        Checkup fit = new Checkup(List.of(fine, warning, absent));
        assertThat(fit.isFit()).isTrue();
        assertThat(fit.lines())
                .last()
                .isEqualTo("All that is required is there. Not as it should be: memory. Absent, and needed by some uses"
                        + " only: Python.");
        Checkup unfit = new Checkup(List.of(fine, failed, absent));
        assertThat(unfit.isFit()).isFalse();
        assertThat(unfit.lines()).last().isEqualTo("Required and missing: ND4J.");
    }

    @Test
    void showsAreaByArea() {
        Checkup checkup = new Checkup(List.of(
                Check.absent(Area.PROGRAMS, "Python", "none", "install it"), Check.ok(Area.MACHINE, "Java", "17")));

        assertThat(checkup.lines().subList(1, checkup.lines().size() - 2))
                .containsExactly(
                        "",
                        "Machine",
                        "  ok       Java    17",
                        "",
                        "Other programs",
                        "  absent   Python  none",
                        "                   -> install it");
    }

    @Test
    void tellsProgramsTheSame() throws IOException {
        Checkup checkup = new Checkup(
                List.of(Check.ok(Area.MACHINE, "Java", "17"), Check.failed(Area.NETWORKS, "ND4J", "none", "build it")));

        JsonNode json = new ObjectMapper().readTree(checkup.json());

        assertThat(json.get("fit").asBoolean()).isFalse();
        assertThat(json.get("checks")).hasSize(2);
        assertThat(json.at("/checks/0/area").asText()).isEqualTo("machine");
        assertThat(json.at("/checks/0").has("remedy")).isFalse();
        assertThat(json.at("/checks/1/state").asText()).isEqualTo("failed");
        assertThat(json.at("/checks/1/remedy").asText()).isEqualTo("build it");
    }
}
