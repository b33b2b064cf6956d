package io.fedlearn.pg.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BinaryTest {
    private static final BigInteger BASE = BigInteger.valueOf(10_000);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0",
                "1",
                "-1",
                "0.0001",
                "9007199254740991",
                "9007199254740993",
                // What avg() gives: four digits, a point, and sixteen more. As one whole number they are beyond a long.
                "1500.1234567890123456",
                "-1500.1234567890123456",
                "9007.1992547409910001",
                "90071992547409910000",
                "92233720368547758.0800",
                "18446744073709551616",
                "184467440737095516160000",
                "0.0922337203685477580800",
                "123456789012345678901234567890.5",
                "0.000000000000000000001234567891234567"
            })
    void readsANumericAsTheNearestDouble(String text) {
        assertThat(read(new BigDecimal(text))).isEqualTo(Double.parseDouble(text));
    }

    @Test
    void readsNumericsOfAnyLengthAsTheNearestDouble() {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 50_000; i++) {
            StringBuilder digits = new StringBuilder(random.nextBoolean() ? "" : "-").append(1 + random.nextInt(9));
            int length = random.nextInt(30);
            for (int j = 0; j < length; j++) {
                digits.append(random.nextInt(10));
            }
            BigDecimal value = new BigDecimal(new BigInteger(digits.toString()), random.nextInt(-6, 30));
            assertThat(read(value)).as("%s", value).isEqualTo(value.doubleValue());
        }
    }

    /** As PostgreSQL sends it: digits to the base of 10,000, none of them 0 at the ends. */
    private static double read(BigDecimal value) {
        int groups = Math.max(0, (value.scale() + 3) / 4);
        BigInteger left =
                value.abs().setScale(4 * groups, RoundingMode.UNNECESSARY).unscaledValue();
        List<Integer> digits = new ArrayList<>();
        while (left.signum() > 0) {
            BigInteger[] parts = left.divideAndRemainder(BASE);
            digits.add(0, parts[1].intValue());
            left = parts[0];
        }
        int weight = digits.size() - 1 - groups;
        while (!digits.isEmpty() && digits.get(digits.size() - 1) == 0) {
            digits.remove(digits.size() - 1);
        }
        ByteBuffer bytes = ByteBuffer.allocate(8 + 2 * digits.size());
        bytes.putShort((short) digits.size()).putShort((short) (digits.isEmpty() ? 0 : weight));
        bytes.putShort((short) (value.signum() < 0 ? 0x4000 : 0)).putShort((short) Math.max(0, value.scale()));
        digits.forEach(digit -> bytes.putShort(digit.shortValue()));
        return Binary.numeric(bytes.array(), 0);
    }
}
