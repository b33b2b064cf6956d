package io.fedlearn.aggregators.personal;

import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Some of a model's tensors, by pattern, by role or by layer. It is written as one text, in which terms are joined by commas and
 * a tensor is meant by any of them:
 * <ul>
 *   <li>{@value #BUFFERS}: every tensor that is not trained, that is buffers and counters;
 *   <li>{@value #LAYERS_WITH_BUFFERS}: every tensor of each layer that has a buffer, so a batch-norm layer whatever the
 *       framework calls it. A tensor's layer is its name up to the last {@code /} or {@code .}; a name with neither is a layer
 *       of its own;
 *   <li>any other term is a pattern that the whole name must match: {@code *} stands for any number of characters, also for
 *       {@code /} and {@code .}, {@code ?} for one character, {@code \} takes the next as it is (also a comma, or the {@code @}
 *       of a name that begins with one), and every other character for itself.
 * </ul>
 *
 * <p>Patterns are not regular expressions, and matching takes at most the product of both lengths in steps: no pattern that a
 * coordinator sends can hold a site up. Immutable and thread-safe.
 */
public final class TensorSelection {
    /** The term for tensors that are not trained: {@value}. */
    public static final String BUFFERS = "@buffers";

    /** The term for all tensors of layers that have a buffer: {@value}. */
    public static final String LAYERS_WITH_BUFFERS = "@layers-with-buffers";

    /** The longest text of a selection: {@value} characters. */
    public static final int MAX_TEXT_LENGTH = 1024;

    private static final int NAMES_TOLD = 12;

    private final String text;
    private final boolean buffers;
    private final boolean layersWithBuffers;
    private final List<String> patterns;

    private TensorSelection(String text) {
        if (text.isEmpty() || text.length() > MAX_TEXT_LENGTH) {
            throw new IllegalArgumentException(
                    "a selection of tensors must have 1 to " + MAX_TEXT_LENGTH + " characters, had " + text.length());
        }
        List<String> terms = terms(text);
        this.text = text;
        this.buffers = terms.contains(BUFFERS);
        this.layersWithBuffers = terms.contains(LAYERS_WITH_BUFFERS);
        this.patterns = terms.stream().filter(term -> !term.startsWith("@")).toList();
    }

    /**
     * The selection that this text describes.
     *
     * @throws IllegalArgumentException if the text is empty or too long, holds an empty or an unknown term, or ends in a single
     *     {@code \}
     */
    public static TensorSelection parse(String text) {
        return new TensorSelection(text);
    }

    /**
     * Tensors whose names match any of these patterns.
     *
     * @param patterns at least one, as the class says; a comma in one begins another
     */
    public static TensorSelection matching(String... patterns) {
        for (String pattern : patterns) {
            if (pattern.startsWith("@")) {
                throw new IllegalArgumentException(
                        "a pattern must not begin with '@', was '" + pattern + "': for a name that does, write '\\@'");
            }
        }
        return parse(String.join(",", patterns));
    }

    /** Tensors that are not trained: buffers and counters. */
    public static TensorSelection buffers() {
        return parse(BUFFERS);
    }

    /** All tensors of layers that have a buffer, such as the scale, offset, mean and variance of a batch-norm layer. */
    public static TensorSelection layersWithBuffers() {
        return parse(LAYERS_WITH_BUFFERS);
    }

    /** These tensors and the others. */
    public TensorSelection and(TensorSelection others) {
        return parse(text + "," + others.text);
    }

    private static List<String> terms(String text) {
        List<String> terms = new ArrayList<>();
        int start = 0;
        for (int at = 0; at <= text.length(); at++) {
            if (at == text.length() || text.charAt(at) == ',') {
                String term = text.substring(start, at);
                requireTerm(term, text);
                terms.add(term);
                start = at + 1;
            } else if (text.charAt(at) == '\\') {
                at++;
                if (at == text.length()) {
                    throw new IllegalArgumentException(
                            "in the selection '" + text + "' no character follows the last '\\'");
                }
            }
        }
        return terms;
    }

    private static void requireTerm(String term, String text) {
        if (term.isEmpty()) {
            throw new IllegalArgumentException("a term of the selection '" + text + "' is empty");
        }
        if (term.startsWith("@") && !term.equals(BUFFERS) && !term.equals(LAYERS_WITH_BUFFERS)) {
            throw new IllegalArgumentException("a term that begins with '@' must be " + BUFFERS + " or "
                    + LAYERS_WITH_BUFFERS + ", was '" + term + "'");
        }
    }

    /**
     * The places of the selected tensors in this model.
     *
     * @throws IllegalArgumentException if it selects none, or every trainable one, naming the model's tensors
     */
    public BitSet in(ModelSpec model) {
        Set<String> normalised = new HashSet<>();
        for (TensorSpec tensor : model.tensors()) {
            if (tensor.role() == TensorRole.BUFFER) {
                normalised.add(layer(tensor.name()));
            }
        }
        BitSet selected = new BitSet(model.size());
        boolean shares = false;
        for (int t = 0; t < model.size(); t++) {
            TensorSpec tensor = model.tensors().get(t);
            boolean isMeant = buffers && tensor.role() != TensorRole.TRAINABLE
                    || layersWithBuffers && normalised.contains(layer(tensor.name()))
                    || patterns.stream().anyMatch(pattern -> matches(pattern, tensor.name()));
            selected.set(t, isMeant);
            shares |= !isMeant && tensor.role() == TensorRole.TRAINABLE;
        }
        if (selected.isEmpty()) {
            throw new IllegalArgumentException("no tensor of the model is '" + text + "': it has " + names(model));
        }
        if (!shares) {
            throw new IllegalArgumentException("every trainable tensor of the model is '" + text
                    + "', which leaves nothing to learn together: it has " + names(model));
        }
        return selected;
    }

    private static String names(ModelSpec model) {
        String names =
                model.tensors().stream().limit(NAMES_TOLD).map(TensorSpec::name).collect(Collectors.joining(", "));
        return model.size() <= NAMES_TOLD ? names : names + " and " + (model.size() - NAMES_TOLD) + " more";
    }

    private static String layer(String name) {
        int end = Math.max(name.lastIndexOf('/'), name.lastIndexOf('.'));
        return end < 0 ? name : name.substring(0, end);
    }

    /** Goes back to the last star alone, which is enough: what an earlier one took can be left as it is. */
    private static boolean matches(String pattern, String name) {
        int p = 0;
        int n = 0;
        int afterStar = -1;
        int nameAtStar = 0;
        while (n < name.length()) {
            if (p < pattern.length() && pattern.charAt(p) == '*') {
                afterStar = ++p;
                nameAtStar = n;
            } else if (p < pattern.length() && matchesOne(pattern, p, name.charAt(n))) {
                p += pattern.charAt(p) == '\\' ? 2 : 1;
                n++;
            } else if (afterStar >= 0) {
                p = afterStar;
                n = ++nameAtStar;
            } else {
                return false;
            }
        }
        while (p < pattern.length() && pattern.charAt(p) == '*') {
            p++;
        }
        return p == pattern.length();
    }

    private static boolean matchesOne(String pattern, int at, char c) {
        char p = pattern.charAt(at);
        return p == '\\' ? pattern.charAt(at + 1) == c : p == '?' || p == c;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TensorSelection && text.equals(((TensorSelection) other).text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    /** The text that {@link #parse} takes. */
    @Override
    public String toString() {
        return text;
    }
}
