package io.fedlearn.examples.network;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

final class SiteOptionsTest {
    private static final Path STATES = Path.of("runs", "clients");

    private static Path stateFolder(String... more) {
        List<String> arguments = new ArrayList<>(List.of("--server", "127.0.0.1:8443"));
        arguments.addAll(List.of(more));
        return CommandLine.populateCommand(new SiteOptions(), arguments.toArray(String[]::new))
                .stateFolder("customers");
    }

    @Test
    void clientsOfOneFileKeepTheirStateApart() {
        assertThat(stateFolder("--id", "bank-1")).isEqualTo(STATES.resolve("bank-1"));
        assertThat(stateFolder("--id", "bank-2")).isEqualTo(STATES.resolve("bank-2"));
    }

    @Test
    void clientWithoutAnIdKeepsItsStateByItsData() {
        assertThat(stateFolder()).isEqualTo(STATES.resolve("customers"));
    }

    @Test
    void optionSaysWhereStateIsKept() {
        assertThat(stateFolder("--id", "bank-1", "--state", "here")).isEqualTo(Path.of("here"));
    }
}
