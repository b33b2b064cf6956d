package io.fedlearn.examples.conformance;

import java.util.Locale;

/**
 * Something that is known of an algorithm, and by which rule a measurement is held against it.
 *
 * @param name of the row, such as {@code fedprox/loss}
 * @param source where the figure comes from
 * @param published the figure, as its source has it
 * @param rule by which ours passes
 */
record Claim(String name, String source, String published, String rule) {
    /** The row of a measurement. */
    Row measured(boolean holds, String ours) {
        return new Row(this, ours, holds ? Verdict.PASS : Verdict.FAIL);
    }

    /** The row of a measurement whose figures are put into this format. */
    Row measured(boolean holds, String format, Object... figures) {
        return measured(holds, String.format(Locale.ROOT, format, figures));
    }

    /** The row where nothing was measured, and why. */
    Row skipped(String reason) {
        return new Row(this, reason, Verdict.SKIPPED);
    }
}
