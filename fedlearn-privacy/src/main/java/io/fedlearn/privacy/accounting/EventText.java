package io.fedlearn.privacy.accounting;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Reads the canonical text of events.
 * <pre>
 *   event    = name "(" [ argument { ", " argument } ] ")"
 *   argument = setting "=" number | event
 * </pre>
 * Settings come in the order in which events write them. Confined to one thread, for one text.
 */
final class EventText {
    static final int MAX_LENGTH = 1_000_000;
    static final int MAX_DEPTH = 64;

    private static final int SHOWN = 40;

    private final String text;
    private int position;
    private int depth;

    EventText(String text) {
        this.text = text;
    }

    PrivacyEvent parse() {
        if (text.length() > MAX_LENGTH) {
            throw new IllegalArgumentException(
                    "event must have at most " + MAX_LENGTH + " characters, has " + text.length());
        }
        PrivacyEvent event = event();
        if (position < text.length()) {
            throw expected("the end");
        }
        return event;
    }

    private PrivacyEvent event() {
        if (++depth > MAX_DEPTH) {
            throw new IllegalArgumentException("event at character " + position + " is deeper than " + MAX_DEPTH);
        }
        int start = position;
        String name = name();
        expect("(");
        PrivacyEvent event;
        try {
            event = body(name, start);
        } catch (IllegalArgumentException e) {
            throw isOurs(e)
                    ? e
                    : new IllegalArgumentException("event at character " + start + ": " + e.getMessage(), e);
        }
        expect(")");
        depth--;
        return event;
    }

    private static boolean isOurs(IllegalArgumentException e) {
        return String.valueOf(e.getMessage()).startsWith("event ");
    }

    private PrivacyEvent body(String name, int start) {
        switch (name) {
            case "gaussian":
                return new PrivacyEvent.Gaussian(real("noiseMultiplier"));
            case "laplace":
                return new PrivacyEvent.Laplace(real("noiseMultiplier"));
            case "discrete-gaussian":
                return new PrivacyEvent.DiscreteGaussian(real("sigma"), nextWhole("sensitivity"));
            case "discrete-laplace":
                return new PrivacyEvent.DiscreteLaplace(real("scale"), nextWhole("sensitivity"));
            case "randomized-response":
                return new PrivacyEvent.RandomizedResponse(real("randomProbability"), small("categories"));
            case "pure":
                return new PrivacyEvent.PureLoss(real("epsilon"));
            case "zero-concentrated":
                return new PrivacyEvent.ZeroConcentrated(real("rho"));
            case "tree-aggregation":
                return new PrivacyEvent.TreeAggregation(
                        real("noiseMultiplier"),
                        nextWhole("steps"),
                        small("maxParticipations"),
                        nextWhole("minSeparation"));
            case "distributed-discrete-gaussian":
                return new PrivacyEvent.DistributedDiscreteGaussian(
                        real("sigma"),
                        nextWhole("clients"),
                        nextWhole("dimension"),
                        nextReal("l1Sensitivity"),
                        nextReal("l2Sensitivity"));
            case "distributed-skellam":
                return new PrivacyEvent.DistributedSkellam(
                        real("variance"), nextWhole("clients"), nextReal("l1Sensitivity"), nextReal("l2Sensitivity"));
            case "poisson-sampled":
                return new PrivacyEvent.PoissonSampled(real("rate"), next(this::event));
            case "sampled-without-replacement":
                return new PrivacyEvent.SampledWithoutReplacement(
                        whole("populationSize"), nextWhole("sampleSize"), next(this::event));
            case "repeated":
                return new PrivacyEvent.Repeated(whole("count"), next(this::event));
            case "composed":
                return new PrivacyEvent.Composed(events());
            default:
                position = start;
                throw expected("the name of an event");
        }
    }

    private List<PrivacyEvent> events() {
        List<PrivacyEvent> events = new ArrayList<>();
        while (position < text.length() && text.charAt(position) != ')') {
            events.add(events.isEmpty() ? event() : next(this::event));
        }
        return events;
    }

    private <T> T next(Supplier<T> part) {
        expect(", ");
        return part.get();
    }

    private double nextReal(String setting) {
        expect(", ");
        return real(setting);
    }

    private long nextWhole(String setting) {
        expect(", ");
        return whole(setting);
    }

    private double real(String setting) {
        String number = number(setting);
        try {
            return Double.parseDouble(number);
        } catch (NumberFormatException e) {
            position -= number.length();
            throw expected("a number");
        }
    }

    private long whole(String setting) {
        String number = number(setting);
        try {
            return Long.parseLong(number);
        } catch (NumberFormatException e) {
            position -= number.length();
            throw expected("a whole number");
        }
    }

    private int small(String setting) {
        expect(", ");
        int start = position;
        long value = whole(setting);
        if (value != (int) value) {
            position = start;
            throw expected(setting + " below 2^31");
        }
        return (int) value;
    }

    private String number(String setting) {
        expect(setting + "=");
        int start = position;
        while (position < text.length() && "0123456789+-.eE".indexOf(text.charAt(position)) >= 0) {
            position++;
        }
        return text.substring(start, position);
    }

    private String name() {
        int start = position;
        while (position < text.length()
                && (text.charAt(position) >= 'a' && text.charAt(position) <= 'z' || text.charAt(position) == '-')) {
            position++;
        }
        return text.substring(start, position);
    }

    private void expect(String token) {
        if (!text.startsWith(token, position)) {
            throw expected("'" + token + "'");
        }
        position += token.length();
    }

    private IllegalArgumentException expected(String what) {
        String found = text.substring(position, Math.min(text.length(), position + SHOWN));
        return new IllegalArgumentException("event must have " + what + " at character " + position + ", "
                + (found.isEmpty() ? "but ends there" : "was '" + found + "'"));
    }
}
