package io.fedlearn.pg.data;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;

/** Categories, found by their bytes in UTF-8 without an object for each lookup. Immutable. */
final class Vocabulary {
    private final List<String> categories;
    private final byte[][] texts;
    /** Open addressing: a category's index + 1, or 0. */
    private final int[] slots;

    private Vocabulary(List<String> categories) {
        this.categories = categories;
        this.texts = new byte[categories.size()][];
        this.slots = new int[Integer.highestOneBit(categories.size()) * 4];
        for (int i = 0; i < texts.length; i++) {
            texts[i] = categories.get(i).getBytes(StandardCharsets.UTF_8);
            int slot = hash(texts[i], 0, texts[i].length) & (slots.length - 1);
            while (slots[slot] != 0) {
                slot = (slot + 1) & (slots.length - 1);
            }
            slots[slot] = i + 1;
        }
    }

    static Vocabulary of(String column, String... categories) {
        if (categories.length == 0 || new HashSet<>(Arrays.asList(categories)).size() < categories.length) {
            throw new IllegalArgumentException("the categories of column '" + column
                    + "' must be at least one and all different, were " + Arrays.toString(categories));
        }
        return new Vocabulary(List.of(categories));
    }

    List<String> categories() {
        return categories;
    }

    int size() {
        return texts.length;
    }

    /** The index of a category, or -1. */
    int indexOf(byte[] bytes, int from, int length) {
        int slot = hash(bytes, from, length) & (slots.length - 1);
        while (slots[slot] != 0) {
            byte[] text = texts[slots[slot] - 1];
            if (Arrays.equals(text, 0, text.length, bytes, from, from + length)) {
                return slots[slot] - 1;
            }
            slot = (slot + 1) & (slots.length - 1);
        }
        return -1;
    }

    private static int hash(byte[] bytes, int from, int length) {
        int hash = 1;
        for (int i = from; i < from + length; i++) {
            hash = 31 * hash + bytes[i];
        }
        return hash ^ (hash >>> 15);
    }

    @Override
    public String toString() {
        return categories.toString();
    }
}
