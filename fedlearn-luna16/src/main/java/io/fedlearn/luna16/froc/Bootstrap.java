package io.fedlearn.luna16.froc;

import io.fedlearn.core.random.SeededRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Samples of the scans with replacement, and what the curve does over them. */
final class Bootstrap {
    /** What a pass over the samples may keep of them: 64 MiB. */
    private static final int VALUES = 1 << 23;

    private final int samples;
    private final long seed;
    private final double confidence;
    private final int[] weights;
    private final Ranked.Draft draft;

    Bootstrap(Ranked ranked, int samples, long seed, double confidence) {
        this.samples = samples;
        this.seed = seed;
        this.confidence = confidence;
        this.weights = new int[ranked.scans()];
        this.draft = ranked.new Draft();
    }

    /** The band over these rates, which rise, and evenly between the first and the last of them. */
    FrocBand band(List<Double> rates) {
        double[] operating = rates.stream().mapToDouble(Double::doubleValue).toArray();
        double highest = operating[operating.length - 1];
        double[] even = new double[Froc.BAND_POINTS];
        double step = (highest - operating[0]) / (even.length - 1);
        for (int i = 0; i < even.length; i++) {
            even[i] = i == even.length - 1 ? highest : i * step + operating[0];
        }
        List<FrocBand.Point> operatingPoints = new ArrayList<>();
        FrocBand.Spread cpm = atOperatingPoints(operating, operatingPoints);
        List<FrocBand.Point> points = new ArrayList<>(even.length);
        // In parts, each with the samples drawn anew, so that any number of samples takes the same memory.
        int part = Math.max(1, Math.min(even.length, VALUES / samples));
        for (int from = 0; from < even.length; from += part) {
            addPoints(Arrays.copyOfRange(even, from, Math.min(even.length, from + part)), points);
        }
        return new FrocBand(confidence, samples, points, operatingPoints, cpm);
    }

    private FrocBand.Spread atOperatingPoints(double[] rates, List<FrocBand.Point> points) {
        double[][] values = values(rates);
        double[] means = new double[samples];
        for (int sample = 0; sample < samples; sample++) {
            double sum = 0;
            for (double[] atRate : values) {
                sum += atRate[sample];
            }
            means[sample] = sum / rates.length;
        }
        for (int i = 0; i < rates.length; i++) {
            points.add(new FrocBand.Point(rates[i], spread(values[i])));
        }
        return spread(means);
    }

    private void addPoints(double[] rates, List<FrocBand.Point> points) {
        double[][] values = values(rates);
        for (int i = 0; i < rates.length; i++) {
            points.add(new FrocBand.Point(rates[i], spread(values[i])));
        }
    }

    /** The sensitivities at rates that rise, by rate and sample. */
    private double[][] values(double[] rates) {
        double[][] values = new double[rates.length][samples];
        for (int sample = 0; sample < samples; sample++) {
            draw(sample, rates[rates.length - 1]);
            int last = 0;
            for (int i = 0; i < rates.length; i++) {
                while (last + 1 < draft.size && draft.rates[last + 1] <= rates[i]) {
                    last++;
                }
                values[i][sample] = Interpolation.between(draft.rates, draft.sensitivities, draft.size, last, rates[i]);
            }
        }
        return values;
    }

    /** Without a nodule there is no sensitivity: such a sample is drawn again. */
    private void draw(int sample, double highestRate) {
        SeededRandom random = SeededRandom.of(SeededRandom.derive(seed, sample));
        do {
            Arrays.fill(weights, 0);
            for (int i = 0; i < weights.length; i++) {
                weights[random.nextInt(weights.length)]++;
            }
        } while (!draft.draw(weights, highestRate));
    }

    private FrocBand.Spread spread(double[] values) {
        Arrays.sort(values);
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        double tail = (1 - confidence) / 2;
        return new FrocBand.Spread(
                sum / samples,
                values[(int) Math.floor(tail * samples)],
                values[Math.min(samples - 1, (int) Math.floor((1 - tail) * samples))]);
    }
}
