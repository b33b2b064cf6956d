package io.fedlearn.core.budget;

import io.fedlearn.core.task.Config;
import java.util.Objects;

/**
 * What a release of noisy data costs, before it is made.
 *
 * @param scope whose budget is debited, such as a client, a table or a run: visible text
 * @param mechanism what is released and with which noise, as an accountant reads it
 * @param parameters what else is needed to weigh the charge, or to explain it to a person
 */
public record PrivacyCharge(String scope, String mechanism, Config parameters) {
    /** Validates that scope and mechanism are named, in text that every ledger can keep. */
    public PrivacyCharge {
        requireText("scope", scope);
        requireText("mechanism", mechanism);
        Objects.requireNonNull(parameters, "parameters");
    }

    private static void requireText(String name, String text) {
        if (text.isEmpty()) {
            throw new IllegalArgumentException(name + " must not be empty");
        }
        text.codePoints().forEach(point -> {
            if (Character.isISOControl(point) || Character.getType(point) == Character.SURROGATE) {
                throw new IllegalArgumentException(
                        name + " must be text without control characters, had U+" + Integer.toHexString(point));
            }
        });
    }
}
