package io.fedlearn.formats.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.formats.FormatException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CanonicalJsonTest {
    private static String canonical(String json) {
        return new String(
                CanonicalJson.canonicalize(json.getBytes(StandardCharsets.UTF_8), "test"), StandardCharsets.UTF_8);
    }

    /** RFC 8785, appendix B. */
    @ParameterizedTest
    @CsvSource({
        "0000000000000000, 0",
        "8000000000000000, 0",
        "0000000000000001, 5e-324",
        "8000000000000001, -5e-324",
        "7fefffffffffffff, 1.7976931348623157e+308",
        "ffefffffffffffff, -1.7976931348623157e+308",
        "4340000000000000, 9007199254740992",
        "c340000000000000, -9007199254740992",
        "4430000000000000, 295147905179352830000",
        "44b52d02c7e14af5, 9.999999999999997e+22",
        "44b52d02c7e14af6, 1e+23",
        "44b52d02c7e14af7, 1.0000000000000001e+23",
        "444b1ae4d6e2ef4e, 999999999999999700000",
        "444b1ae4d6e2ef4f, 999999999999999900000",
        "444b1ae4d6e2ef50, 1e+21",
        "3eb0c6f7a0b5ed8c, 9.999999999999997e-7",
        "3eb0c6f7a0b5ed8d, 0.000001",
        "41b3de4355555553, 333333333.3333332",
        "41b3de4355555554, 333333333.33333325",
        "41b3de4355555555, 333333333.3333333",
        "41b3de4355555556, 333333333.3333334",
        "41b3de4355555557, 333333333.33333343",
        "becbf647612f3696, -0.0000033333333333333333",
        "43143ff3c1cb0959, 1424953923781206.2",
    })
    void writesNumbersAsTheStandardDoes(String bits, String expected) {
        assertThat(CanonicalJson.number(Double.longBitsToDouble(HexFormat.fromHexDigitsToLong(bits))))
                .isEqualTo(expected);
    }

    /** What Double.toString writes with a digit too many before Java 19, and powers of two, whose neighbours differ. */
    @ParameterizedTest
    @CsvSource({
        "2e-3, 0.002",
        "2e23, 2e+23",
        "4.8726570057E288, 4.8726570057e+288",
        "2.2250738585072014E-308, 2.2250738585072014e-308",
        "9007199254740991, 9007199254740991",
        "9.5367431640625E-7, 9.5367431640625e-7",
        "0x1p-44, 5.684341886080802e-14",
        "0x1p-1074, 5e-324",
        "0x1p-1022, 2.2250738585072014e-308",
        "0x1p1023, 8.98846567431158e+307",
        "0.1, 0.1",
        "123.456, 123.456",
        "-1.5, -1.5",
        "100, 100",
        "1e20, 100000000000000000000",
    })
    void writesTheFewestDigits(String value, String expected) {
        assertThat(CanonicalJson.number(Double.parseDouble(value))).isEqualTo(expected);
    }

    @Test
    void writesNumbersThatAreReadBackToTheSameBits() {
        Random random = new Random(8785);
        for (int i = 0; i < 5000; i++) {
            double value = Double.longBitsToDouble(random.nextLong());
            if (Double.isFinite(value)) {
                String text = CanonicalJson.number(value);
                assertThat(Double.parseDouble(text)).as(text).isEqualTo(value);
                assertThat(text.replaceAll("[-.]|e.*", "")
                                .replaceAll("^0+|0+$", "")
                                .length())
                        .as(text)
                        .isLessThanOrEqualTo(Double.toString(Math.abs(value))
                                .replaceAll("[-.]|E.*", "")
                                .replaceAll("^0+|0+$", "")
                                .length());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void refusesNumbersThatAreNotFinite(double value) {
        assertThatIllegalArgumentException().isThrownBy(() -> CanonicalJson.number(value));
        assertThatIllegalArgumentException().isThrownBy(() -> CanonicalJson.encode(List.of(value)));
    }

    /** RFC 8785, section 3.2.2 and 3.2.4. */
    @Test
    void writesTheExampleOfTheStandard() {
        String example = "{\n"
                + "  \"numbers\": [333333333.33333329, 1E30, 4.50,\n"
                + "              2e-3, 0.000000000000000000000000001],\n"
                + "  \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\n"
                + "  \"literals\": [null, true, false]\n"
                + "}";
        String expected = "7b 22 6c 69 74 65 72 61 6c 73 22 3a 5b 6e 75 6c 6c 2c 74 72 "
                + "75 65 2c 66 61 6c 73 65 5d 2c 22 6e 75 6d 62 65 72 73 22 3a "
                + "5b 33 33 33 33 33 33 33 33 33 2e 33 33 33 33 33 33 33 2c 31 "
                + "65 2b 33 30 2c 34 2e 35 2c 30 2e 30 30 32 2c 31 65 2d 32 37 "
                + "5d 2c 22 73 74 72 69 6e 67 22 3a 22 e2 82 ac 24 5c 75 30 30 "
                + "30 66 5c 6e 41 27 42 5c 22 5c 5c 5c 5c 5c 22 2f 22 7d";
        assertThat(CanonicalJson.canonicalize(example.getBytes(StandardCharsets.UTF_8), "example"))
                .asHexString()
                .isEqualToIgnoringCase(expected.replace(" ", ""));
    }

    /** RFC 8785, section 3.2.3. */
    @Test
    void sortsMembersByUtf16CodeUnits() {
        String json = "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\","
                + "\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\","
                + "\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\","
                + "\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}";
        assertThat(canonical(json))
                .isEqualTo("{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\","
                        + "\"\u00f6\":\"Latin Small Letter O With Diaeresis\",\"\u20ac\":\"Euro Sign\","
                        + "\"\ud83d\ude00\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}");
    }

    @Test
    void escapesOnlyWhatItMust() {
        StringBuilder controls = new StringBuilder();
        for (char c = 0; c < ' '; c++) {
            controls.append(c);
        }
        assertThat(new String(CanonicalJson.encode(controls + "\u007f/<\u2028"), StandardCharsets.UTF_8))
                .isEqualTo(
                        "\"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u000f"
                                + "\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\\u0019\\u001a"
                                + "\\u001b\\u001c\\u001d"
                                + "\\u001e\\u001f\u007f/<\u2028\"");
    }

    @Test
    void readsWhatItWrites() {
        Map<String, Object> value = new LinkedHashMap<>();
        value.put("whole", CanonicalJson.MAX_WHOLE);
        value.put("real", 0.1);
        value.put("large", -0x1p53);
        value.put("text", "\u00e4\n");
        value.put("list", List.of(true, Optional.empty(), List.of(), Map.of()));
        byte[] bytes = CanonicalJson.encode(value);
        assertThat(CanonicalJson.parse(bytes, "test")).isEqualTo(value);
        assertThat(CanonicalJson.canonicalize(bytes, "test")).isEqualTo(bytes);
        assertThat(CanonicalJson.encode(List.of(2, 2L, 2.0))).asString().isEqualTo("[2,2,2]");
    }

    @Test
    void refusesValuesWithoutASpelling() {
        for (Object value : List.of(
                CanonicalJson.MAX_WHOLE + 1,
                -CanonicalJson.MAX_WHOLE - 1,
                'c',
                1.5f,
                Optional.of(1),
                Map.of(1, 2),
                "\udc00a",
                "a\ud800")) {
            assertThatIllegalArgumentException().isThrownBy(() -> CanonicalJson.encode(List.of(value)));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "{",
                "[1,]",
                "{\"a\":1,\"a\":1}",
                "1 2",
                "NaN",
                "1e999",
                "01",
                "'a'",
                "\"\\ud800\"",
                "{\"\\udc00\":1}",
                "// c\n1",
                "\ufeff1"
            })
    void refusesDocumentsThatAreNotJson(String json) {
        assertThatThrownBy(() -> canonical(json))
                .isInstanceOf(FormatException.class)
                .hasMessageStartingWith("test: ");
    }

    @Test
    void refusesDocumentsThatAreNotUtf8OrTooDeep() {
        assertThatThrownBy(() -> CanonicalJson.parse(new byte[] {'"', (byte) 0xc0, (byte) 0x80, '"'}, "test"))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining("UTF-8");
        assertThatThrownBy(() -> canonical("[".repeat(65) + "]".repeat(65))).isInstanceOf(FormatException.class);
        assertThat(canonical("[".repeat(64) + "]".repeat(64))).hasSize(128);
    }
}
