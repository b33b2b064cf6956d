package io.fedlearn.models.table;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** Declared texts, found by their spelling or, if they are numbers, by any spelling of the same number. */
final class Spellings {
    private final Map<String, Integer> texts = new HashMap<>();
    private final Map<Double, Integer> numbers = new HashMap<>();

    private Spellings() {}

    static Spellings of(List<String> declared) {
        Spellings spellings = new Spellings();
        for (String text : declared) {
            if (spellings.find(text) >= 0) {
                throw new IllegalArgumentException("'" + text + "' is declared twice");
            }
            int place = spellings.texts.size();
            spellings.texts.put(text, place);
            number(text).ifPresent(number -> spellings.numbers.put(number, place));
        }
        return spellings;
    }

    /** Which of the declared texts it is, counted from 0, or -1. */
    int find(String text) {
        Integer place = texts.get(text);
        if (place == null && !numbers.isEmpty()) {
            OptionalDouble number = number(text);
            place = number.isPresent() ? numbers.get(number.getAsDouble()) : null;
        }
        return place == null ? -1 : place;
    }

    /**
     * The finite number that is written in decimal digits; not what else Java reads as one, such as {@code 0x1p3} or
     * {@code 1d}.
     */
    static OptionalDouble number(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if ((c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E') {
                return OptionalDouble.empty();
            }
        }
        try {
            // Adding 0 turns -0 into 0.
            double number = Double.parseDouble(text) + 0.0;
            return Double.isInfinite(number) ? OptionalDouble.empty() : OptionalDouble.of(number);
        } catch (NumberFormatException e) {
            return OptionalDouble.empty();
        }
    }
}
