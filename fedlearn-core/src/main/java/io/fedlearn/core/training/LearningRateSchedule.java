package io.fedlearn.core.training;

import io.fedlearn.core.task.Config;
import java.util.Locale;

/**
 * How the clients' learning rate changes from round to round: the rate of a round is that of the run's {@link TrainingSettings}
 * times {@link #factor} of the round. It depends on the round's number alone, so a run that is resumed goes on where it was.
 *
 * <p>How long a schedule is belongs to it, and need not be how long the run is: after its end the rate stays. So a run whose
 * {@code rounds} grow later has the same rates in the rounds that it had before. Immutable; bits do not depend on the JVM.
 *
 * <p>{@link #toString()} is the text from which {@link #parse} makes a schedule again, for run records.
 */
public sealed interface LearningRateSchedule {
    /** Default of a cosine's last share: {@value}. */
    double DEFAULT_FINAL_SHARE = 0;

    /** Default of a step's factor: {@value}. */
    double DEFAULT_STEP_FACTOR = 0.1;

    /**
     * By what the learning rate is multiplied in a round, in (0, 1].
     *
     * @param round counted from 1
     */
    double factor(int round);

    /** The same rate in all rounds. */
    static LearningRateSchedule constant() {
        return new Constant();
    }

    /** A cosine over so many rounds, down to (almost) nothing. */
    static LearningRateSchedule cosine(int rounds) {
        return new Cosine(rounds, DEFAULT_FINAL_SHARE);
    }

    /** Steps down to a tenth, each after so many rounds. */
    static LearningRateSchedule step(int everyRounds) {
        return new Step(everyRounds, DEFAULT_STEP_FACTOR);
    }

    /** The same rate in all rounds. */
    record Constant() implements LearningRateSchedule {
        @Override
        public double factor(int round) {
            requireRound(round);
            return 1;
        }

        @Override
        public String toString() {
            return "constant";
        }
    }

    /**
     * Half a cosine, from the whole rate towards a share of it:
     * {@code factor(r) = s + (1 - s) (1 + cos(pi (r - 1) / n)) / 2}, and {@code factor(n)} in all rounds after {@code n}.
     *
     * <p><b>Reference.</b> Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017,
     * arXiv:1608.03983, equation 5, without restarts. <b>Differs</b> in moving once a round, not once a batch.
     *
     * @param rounds {@code n}, at least 1
     * @param finalShare {@code s}, in [0, 1]
     */
    record Cosine(int rounds, double finalShare) implements LearningRateSchedule {
        /** Validates both. */
        public Cosine {
            if (rounds < 1) {
                throw new IllegalArgumentException("rounds must be >= 1, was " + rounds);
            }
            if (!(finalShare >= 0 && finalShare <= 1)) {
                throw new IllegalArgumentException("finalShare must be in [0, 1], was " + finalShare);
            }
        }

        @Override
        public double factor(int round) {
            requireRound(round);
            double done = (Math.min(round, rounds) - 1) / (double) rounds;
            return finalShare + (1 - finalShare) * (1 + StrictMath.cos(StrictMath.PI * done)) / 2;
        }

        @Override
        public String toString() {
            return "cosine:" + rounds + (finalShare == DEFAULT_FINAL_SHARE ? "" : ":" + finalShare);
        }
    }

    /**
     * Steps: {@code factor(r) = f^floor((r - 1) / n)}.
     *
     * @param everyRounds {@code n}, at least 1
     * @param factor {@code f}, in (0, 1]
     */
    record Step(int everyRounds, double factor) implements LearningRateSchedule {
        /** Validates both. */
        public Step {
            if (everyRounds < 1) {
                throw new IllegalArgumentException("everyRounds must be >= 1, was " + everyRounds);
            }
            if (!(factor > 0 && factor <= 1)) {
                throw new IllegalArgumentException("factor must be in (0, 1], was " + factor);
            }
        }

        @Override
        public double factor(int round) {
            requireRound(round);
            // A rate must be > 0, however often it is divided.
            return Math.max(StrictMath.pow(factor, (round - 1) / everyRounds), Float.MIN_NORMAL);
        }

        @Override
        public String toString() {
            return "step:" + everyRounds + (factor == DEFAULT_STEP_FACTOR ? "" : ":" + factor);
        }
    }

    private static void requireRound(int round) {
        if (round < 1) {
            throw new IllegalArgumentException("round must be >= 1, was " + round);
        }
    }

    /**
     * What clients are told in a round.
     *
     * @param told what they are told in all rounds, the rate at the start among it
     */
    default Config apply(Config told, int round) {
        double factor = factor(round);
        return factor == 1
                ? told
                : told.with(
                        TrainingSettings.LEARNING_RATE,
                        TrainingSettings.of(told).learningRate() * factor);
    }

    /**
     * Reads {@code constant}, {@code cosine[:ROUNDS[:FINAL_SHARE]]} or {@code step:ROUNDS[:FACTOR]}.
     *
     * @param rounds how long a cosine is of which the text does not say it, at least 1
     * @throws IllegalArgumentException if the text is none of them
     */
    static LearningRateSchedule parse(String text, int rounds) {
        String[] parts = text.strip().toLowerCase(Locale.ROOT).split(":", -1);
        try {
            if (parts[0].equals("constant") && parts.length == 1) {
                return constant();
            }
            if (parts[0].equals("cosine") && parts.length <= 3) {
                return new Cosine(
                        parts.length > 1 ? Integer.parseInt(parts[1]) : rounds,
                        parts.length > 2 ? Double.parseDouble(parts[2]) : DEFAULT_FINAL_SHARE);
            }
            if (parts[0].equals("step") && parts.length >= 2 && parts.length <= 3) {
                return new Step(
                        Integer.parseInt(parts[1]),
                        parts.length > 2 ? Double.parseDouble(parts[2]) : DEFAULT_STEP_FACTOR);
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(refusal(text, "a number cannot be read"), e);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(refusal(text, String.valueOf(e.getMessage())), e);
        }
        throw new IllegalArgumentException(refusal(text, "there is no such schedule"));
    }

    private static String refusal(String text, String why) {
        return "learning-rate schedule must be one of constant, cosine[:ROUNDS[:FINAL_SHARE]], step:ROUNDS[:FACTOR],"
                + " was '" + text + "': " + why;
    }
}
