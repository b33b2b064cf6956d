package io.fedlearn.benchmarks;

import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PldAccountant;
import io.fedlearn.privacy.accounting.PrivacyAccountant;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.accounting.RdpAccountant;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How long does one epsilon take, by Renyi divergences and by loss distributions, beside losses convolved directly, and beside what
 * Google's dp_accounting 0.6.0 took for the same setting and interval on another run?
 *
 * <p>In turn, in one run, on one thread:
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -Xmx1g -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.AccountingBenchmark [turns [file for the samples]]
 * </pre>
 */
public final class AccountingBenchmark {
    private static final double INTERVAL = 1e-4;
    private static final String RDP = "rdp";
    private static final String GIVEN = "pld, interval 1e-4";
    private static final String CHOSEN = "pld, interval chosen";
    private static final String DIRECT = "direct convolution";

    /** The Gaussian mechanism over a Poisson sample, and how long dp_accounting took at interval 1e-4, in seconds. */
    private record Setting(double rate, double noiseMultiplier, int steps, double privacyDelta, double peerSeconds) {
        PrivacyEvent event() {
            return new PrivacyEvent.PoissonSampled(rate, new PrivacyEvent.Gaussian(noiseMultiplier));
        }

        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "q %.4g, sigma %.3g, %d steps, delta %.0e",
                    rate,
                    noiseMultiplier,
                    steps,
                    privacyDelta);
        }
    }

    private static final List<Setting> SETTINGS = List.of(
            new Setting(0.01, 4, 10_000, 1e-5, 0.13),
            new Setting(0.01, 2, 4_000, 1e-5, 0.44),
            new Setting(0.004266666666666667, 1.3, 3_515, 1e-5, 0.65),
            new Setting(0.004166666666666667, 1.1, 14_400, 1e-5, 1.29),
            new Setting(0.0065493889420117106, 1, 4_120, 1e-9, 1.99),
            new Setting(0.01, 0.6, 500, 1e-5, 4.55),
            new Setting(0.1, 0.5, 10, 1e-4, 8.22),
            new Setting(0.5, 10, 1_000, 1e-6, 0.31),
            new Setting(0.001, 1, 100_000, 1e-6, 1.97),
            new Setting(0.02, 1.5, 2_000, 1e-5, 0.72),
            new Setting(0.32768, 9.4, 1_000, 1e-5, 0.33));

    private AccountingBenchmark() {}

    /** Measures and prints a table. */
    public static void main(String[] arguments) throws Exception {
        int turns = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 5;
        Map<String, Samples.Work> ways = new LinkedHashMap<>();
        Map<String, Double> epsilons = new LinkedHashMap<>();
        for (Setting setting : SETTINGS) {
            ways.put(
                    RDP + setting,
                    () -> epsilons.put(
                            RDP + setting, epsilon(RdpAccountant.of(NeighboringRelation.ADD_OR_REMOVE_ONE), setting)));
            PldAccountant pld = PldAccountant.of(NeighboringRelation.ADD_OR_REMOVE_ONE);
            ways.put(
                    GIVEN + setting, () -> epsilons.put(GIVEN + setting, epsilon(pld.withInterval(INTERVAL), setting)));
            ways.put(CHOSEN + setting, () -> epsilons.put(CHOSEN + setting, epsilon(pld, setting)));
            ways.put(DIRECT + setting, () -> epsilons.put(DIRECT + setting, DirectConvolution.epsilon(setting)));
        }
        Samples samples = Samples.inTurn(ways, 2, turns);
        System.out.println(Machine.description());
        System.out.printf("medians of %d turns, milliseconds; in brackets epsilon%n%n", turns);
        System.out.println(
                "| setting | RDP | PLD, 1e-4 | PLD, chosen | direct convolution, 1e-3 | dp_accounting, 1e-4 |"
                        + " its time / ours at 1e-4 |");
        System.out.println("|---|---|---|---|---|---|---|");
        for (Setting setting : SETTINGS) {
            StringBuilder row = new StringBuilder("| " + setting);
            for (String way : List.of(RDP, GIVEN, CHOSEN, DIRECT)) {
                row.append(String.format(
                        Locale.ROOT,
                        " | %.1f (%.5f)",
                        1e3 * samples.median(way + setting),
                        epsilons.get(way + setting)));
            }
            System.out.printf(
                    Locale.ROOT,
                    "%s | %.0f | %.0f |%n",
                    row,
                    1e3 * setting.peerSeconds(),
                    setting.peerSeconds() / samples.median(GIVEN + setting));
        }
        if (arguments.length > 1) {
            Files.writeString(
                    Path.of(arguments[1]),
                    "{\"machine\": \"" + Machine.description() + "\", \"unit\": \"s\", \"seconds\": " + samples.toJson()
                            + "}\n");
        }
    }

    private static double epsilon(PrivacyAccountant accountant, Setting setting) {
        return accountant.compose(setting.event(), setting.steps()).epsilon(setting.privacyDelta());
    }

    /**
     * The naive way: losses on a grid ten times coarser, squared by the definition of the convolution, tails dropped; nothing bounds its
     * errors, and one direction only.
     */
    private static final class DirectConvolution {
        private static final double COARSE = 10 * INTERVAL;
        private static final double NEGLIGIBLE = 1e-17;

        private final int first;
        private final double[] masses;

        private DirectConvolution(int first, double[] masses) {
            this.first = first;
            this.masses = masses;
        }

        static double epsilon(Setting setting) {
            DirectConvolution power = one(setting);
            DirectConvolution sum = new DirectConvolution(0, new double[] {1});
            for (int left = setting.steps(); left > 0; left /= 2) {
                if (left % 2 == 1) {
                    sum = sum.plus(power);
                }
                if (left > 1) {
                    power = power.plus(power);
                }
            }
            double low = 0;
            double high = 100;
            for (int i = 0; i < 50; i++) {
                double middle = 0.5 * (low + high);
                if (sum.delta(middle) > setting.privacyDelta()) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            return high;
        }

        private static DirectConvolution one(Setting setting) {
            double sigma = setting.noiseMultiplier();
            double step = sigma / 2000;
            int offset = 40_000;
            double[] masses = new double[2 * offset];
            for (double x = -9 * sigma; x < 1 + 9 * sigma; x += step) {
                double change = setting.rate() * Math.expm1((2 * x - 1) / (2 * sigma * sigma));
                double mass = Math.exp(-x * x / (2 * sigma * sigma)) / (sigma * Math.sqrt(2 * Math.PI)) * step;
                double place = Math.log1p(change) / COARSE;
                int below = (int) Math.floor(place);
                double lower = Math.expm1((below + 1 - place) * COARSE) / Math.expm1(COARSE);
                masses[below + offset] += mass * (1 + change) * lower;
                masses[below + 1 + offset] += mass * (1 + change) * (1 - lower);
            }
            return new DirectConvolution(-offset, masses).trimmed();
        }

        private DirectConvolution plus(DirectConvolution other) {
            double[] sum = new double[masses.length + other.masses.length - 1];
            for (int i = 0; i < masses.length; i++) {
                double mass = masses[i];
                for (int j = 0; j < other.masses.length; j++) {
                    sum[i + j] += mass * other.masses[j];
                }
            }
            return new DirectConvolution(first + other.first, sum).trimmed();
        }

        private DirectConvolution trimmed() {
            int from = 0;
            int to = masses.length;
            while (masses[from] < NEGLIGIBLE) {
                from++;
            }
            while (masses[to - 1] < NEGLIGIBLE) {
                to--;
            }
            return new DirectConvolution(first + from, Arrays.copyOfRange(masses, from, to));
        }

        private double delta(double epsilon) {
            double delta = 0;
            for (int i = 0; i < masses.length; i++) {
                delta += masses[i] * Math.max(0, -Math.expm1(epsilon - (first + i) * COARSE));
            }
            return delta;
        }
    }
}
