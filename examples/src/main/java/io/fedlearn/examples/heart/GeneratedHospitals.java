package io.fedlearn.examples.heart;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.examples.run.InputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Invented patients in files like the real ones: as many rows, ill patients and gaps at each hospital. Illness follows
 * a logistic model of the fields with noise on top, so that there is something to learn and a limit to it. The same
 * seed gives the same files.
 */
final class GeneratedHospitals {
    private static final double NOISE = 1.0;

    private record Profile(
            String name, int rows, double ill, double age, double men, double severity, Map<String, Double> gaps) {}

    private static final List<Profile> PROFILES = List.of(
            new Profile("cleveland", 303, 0.46, 54.4, 0.68, 0, Map.of("ca", 0.013, "thal", 0.007)),
            new Profile(
                    "hungarian",
                    294,
                    0.36,
                    47.8,
                    0.72,
                    -0.3,
                    Map.of("chol", 0.08, "fbs", 0.03, "slope", 0.65, "ca", 0.99, "thal", 0.90)),
            new Profile(
                    "switzerland",
                    123,
                    0.94,
                    55.3,
                    0.92,
                    0.6,
                    Map.of("chol", 1.0, "fbs", 0.61, "oldpeak", 0.05, "slope", 0.14, "ca", 0.96, "thal", 0.42)),
            new Profile(
                    "va",
                    200,
                    0.75,
                    59.4,
                    0.97,
                    0.4,
                    Map.of(
                            "trestbps",
                            0.28,
                            "chol",
                            0.28,
                            "fbs",
                            0.04,
                            "thalach",
                            0.27,
                            "exang",
                            0.27,
                            "oldpeak",
                            0.28,
                            "slope",
                            0.51,
                            "ca",
                            0.99,
                            "thal",
                            0.83)));

    private GeneratedHospitals() {}

    /** Writes a file for each hospital. */
    static void write(Path directory, long seed) {
        try {
            Files.createDirectories(directory);
            for (Profile profile : PROFILES) {
                Path file = HeartData.file(directory, profile.name);
                Path aside = file.resolveSibling(file.getFileName() + ".tmp");
                long own = SeededRandom.derive(SeededRandom.derive(seed, "generated"), profile.name);
                Files.writeString(aside, text(profile, SeededRandom.of(own)), StandardCharsets.US_ASCII);
                Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
            }
        } catch (IOException e) {
            throw InputException.of("the generated hospitals cannot be written to " + directory, e);
        }
    }

    private static String text(Profile profile, SeededRandom random) {
        List<Patient> patients = new ArrayList<>();
        for (int i = 0; i < profile.rows; i++) {
            patients.add(patient(profile, random));
        }
        List<Patient> byRisk = new ArrayList<>(patients);
        byRisk.sort(Comparator.comparingDouble(Patient::risk).reversed());
        int ill = (int) Math.round(profile.ill * profile.rows);
        for (int i = 0; i < ill; i++) {
            // The likelier, the worse: 4 for the upper quarter of the ill, 1 for the lowest.
            byRisk.get(i).fields.add(Integer.toString(4 - 4 * i / ill));
        }
        byRisk.subList(ill, byRisk.size()).forEach(patient -> patient.fields.add("0"));
        StringBuilder text = new StringBuilder();
        patients.forEach(
                patient -> text.append(String.join(",", patient.fields)).append('\n'));
        return text.toString();
    }

    private record Patient(List<String> fields, double risk) {}

    private static Patient patient(Profile profile, SeededRandom random) {
        double latent = profile.severity + random.nextGaussian();
        double age = between(28, 77, profile.age + 8.5 * random.nextGaussian());
        int sex = random.nextDouble() < profile.men ? 1 : 0;
        int cp = pick(random, 0.10, 0.22, 0.25, 0.25 + 0.25 * Math.max(-0.9, latent)) + 1;
        double trestbps = between(92, 200, 132 + 17 * random.nextGaussian());
        double chol = between(120, 420, 245 + 50 * random.nextGaussian());
        int fbs = random.nextDouble() < 0.15 ? 1 : 0;
        int restecg = pick(random, 0.6, 0.15, 0.25);
        double thalach = between(70, 200, 143 - 0.8 * (age - 54) - 9 * latent + 18 * random.nextGaussian());
        int exang = random.nextDouble() < sigmoid(-0.8 + 0.9 * latent) ? 1 : 0;
        double oldpeak = Math.round(10 * between(0, 6, 0.8 + 0.5 * latent + random.nextGaussian())) / 10.0;
        int slope = pick(random, 0.45, 0.45 + 0.15 * Math.max(-2, latent), 0.08) + 1;
        int ca = (int) between(0, 3, Math.floor(0.6 + 0.5 * latent + 0.9 * random.nextGaussian()));
        int thal = new int[] {3, 6, 7}[pick(random, 0.55, 0.06, 0.35 + 0.15 * Math.max(-2, latent))];
        double risk = 0.35 * (age - 54) / 9
                + 0.9 * sex
                + 1.5 * (cp == 4 ? 1 : 0)
                - 0.45 * (thalach - 140) / 24
                + 0.9 * exang
                + 0.6 * oldpeak
                + 0.6 * (slope == 2 ? 1 : 0)
                + 0.8 * ca
                + 1.2 * (thal == 7 ? 1 : 0)
                + 0.15 * (chol - 245) / 50
                + 0.4 * latent
                + NOISE * logistic(random);
        List<String> fields = new ArrayList<>();
        add(fields, profile, random, "age", whole(age));
        add(fields, profile, random, "sex", whole(sex));
        add(fields, profile, random, "cp", whole(cp));
        add(fields, profile, random, "trestbps", whole(trestbps));
        add(fields, profile, random, "chol", whole(chol));
        add(fields, profile, random, "fbs", whole(fbs));
        add(fields, profile, random, "restecg", whole(restecg));
        add(fields, profile, random, "thalach", whole(thalach));
        add(fields, profile, random, "exang", whole(exang));
        add(fields, profile, random, "oldpeak", String.format(Locale.ROOT, "%.1f", oldpeak));
        add(fields, profile, random, "slope", whole(slope));
        add(fields, profile, random, "ca", whole(ca));
        add(fields, profile, random, "thal", whole(thal));
        return new Patient(fields, risk);
    }

    private static void add(List<String> fields, Profile profile, SeededRandom random, String column, String value) {
        boolean gap = random.nextDouble() < profile.gaps.getOrDefault(column, 0.0);
        // As the real files have it, cholesterol that was not measured is 0.
        fields.add(!gap ? value : column.equals("chol") ? "0" : "?");
    }

    private static String whole(double value) {
        return Long.toString(Math.round(value));
    }

    private static double between(double least, double most, double value) {
        return Math.max(least, Math.min(most, value));
    }

    private static int pick(SeededRandom random, double... weights) {
        double sum = 0;
        for (double weight : weights) {
            sum += weight;
        }
        double left = random.nextDouble() * sum;
        for (int i = 0; i < weights.length - 1; i++) {
            left -= weights[i];
            if (left < 0) {
                return i;
            }
        }
        return weights.length - 1;
    }

    private static double sigmoid(double value) {
        return 1 / (1 + StrictMath.exp(-value));
    }

    private static double logistic(SeededRandom random) {
        double share = between(1e-9, 1 - 1e-9, random.nextDouble());
        return StrictMath.log(share / (1 - share));
    }
}
