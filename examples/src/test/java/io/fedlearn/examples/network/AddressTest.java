package io.fedlearn.examples.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

final class AddressTest {
    @ParameterizedTest
    @CsvSource({
        "127.0.0.1:8443, 127.0.0.1, 8443",
        "fl.example:0, fl.example, 0",
        "[::1]:65535, ::1, 65535",
        "localhost:9092, localhost, 9092"
    })
    void readsHostAndPort(String text, String host, int port) {
        Address address = new Address.Converter().convert(text);
        assertThat(address).isEqualTo(new Address(host, port));
        assertThat(address).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "8443", ":8443", "host", "host:", "host:65536", "::1:8443", "[::1]", "http://host:1", "a b:1"
            })
    void refusesWhatIsNoAddress(String text) {
        assertThatThrownBy(() -> new Address.Converter().convert(text))
                .isInstanceOf(TypeConversionException.class)
                .hasMessageContaining("was '" + text + "'");
    }
}
