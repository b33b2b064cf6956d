package io.fedlearn.formats;

import io.fedlearn.core.FedLearnException;
import java.util.Optional;

/**
 * Input that is not what its format asks for, or that exceeds the reader's {@link ReadLimits}. The message names the
 * source, the tensor where one is to blame, and the reason; never a value of a tensor.
 */
public class FormatException extends FedLearnException {
    private static final long serialVersionUID = 1L;
    private static final int SHOWN_NAME_LENGTH = 120;

    private final String source;
    private final String tensor;
    private final boolean tensorKnown;
    private final String reason;

    /** Creates a failure that concerns the source as a whole. */
    public FormatException(String source, String reason) {
        super(source + ": " + reason);
        this.source = source;
        this.tensor = "";
        this.tensorKnown = false;
        this.reason = reason;
    }

    /** Creates a failure that concerns the source as a whole, with what caused it. */
    public FormatException(String source, String reason, Throwable cause) {
        super(source + ": " + reason, cause);
        this.source = source;
        this.tensor = "";
        this.tensorKnown = false;
        this.reason = reason;
    }

    /** Creates a failure of one tensor. */
    public FormatException(String source, String tensor, String reason) {
        super(source + ": tensor " + quote(tensor) + ": " + reason);
        this.source = source;
        this.tensor = tensor;
        this.tensorKnown = true;
        this.reason = reason;
    }

    /** The file or stream that was read, as its reader was told. */
    public final String source() {
        return source;
    }

    /** The name of the tensor to blame, exactly as the input spells it, if it is one tensor. */
    public final Optional<String> tensor() {
        return tensorKnown ? Optional.of(tensor) : Optional.empty();
    }

    /** What is wrong, without source and tensor. */
    public final String reason() {
        return reason;
    }

    /**
     * A name out of untrusted input in single quotes, fit for a message: shortened, control characters and lone
     * surrogates shown as code points.
     */
    public static String quote(String name) {
        StringBuilder shown = new StringBuilder("'");
        name.codePoints().limit(SHOWN_NAME_LENGTH).forEach(point -> {
            if (Character.isISOControl(point) || point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE) {
                shown.append("<").append(Integer.toHexString(point)).append(">");
            } else {
                shown.appendCodePoint(point);
            }
        });
        if (name.codePointCount(0, name.length()) > SHOWN_NAME_LENGTH) {
            shown.append("...");
        }
        return shown.append("'").toString();
    }
}
