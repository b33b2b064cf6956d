package io.fedlearn.core.task;

import io.fedlearn.core.FedLearnException;
import java.time.Duration;
import java.util.Arrays;

/** How a task ended: one for each client that was asked, whatever happened; none of them ends the round. */
public sealed interface ClientOutcome {
    /** The longest text that an outcome keeps of what a client or its failure said: {@value} characters. */
    int MAX_TEXT_LENGTH = 500;

    /** One lower-case word for records and tables, such as {@code completed}. */
    String word();

    /** Why, for a person; empty if there is nothing to explain. Never holds examples, labels or weights. */
    String reason();

    /** The client answered, and the answer passed every check. */
    record Completed(ClientUpdate update) implements ClientOutcome {
        @Override
        public String word() {
            return "completed";
        }

        @Override
        public String reason() {
            return "";
        }
    }

    /** The client was asked and would not: no data, not now, not this kind of task, not under this site's policy. */
    record Declined(String reason) implements ClientOutcome {
        /** Shortens an overlong reason, and makes each control character a space. */
        public Declined {
            reason = plain(shorten(reason));
        }

        @Override
        public String word() {
            return "declined";
        }
    }

    /** The client answered, and the answer was malformed. */
    record Rejected(String reason) implements ClientOutcome {
        /** Shortens an overlong reason, and makes each control character a space. */
        public Rejected {
            reason = plain(shorten(reason));
        }

        @Override
        public String word() {
            return "rejected";
        }
    }

    /** The client, its site or the way there failed. */
    record Failed(String reason) implements ClientOutcome {
        /** Shortens an overlong reason, and makes each control character a space. */
        public Failed {
            reason = plain(shorten(reason));
        }

        /**
         * The type of a throwable and where it was thrown. Its message is told only if it is FedLearn's own, since others quote
         * what they stumbled over, which may be an example: {@code NumberFormatException: For input string: …}.
         */
        public static Failed of(Throwable error) {
            if (error instanceof FedLearnException) {
                return new Failed(error.getClass().getName() + ": " + error.getMessage());
            }
            // The first place that is not the platform's: that it was Objects.requireNonNull says little.
            String place = Arrays.stream(error.getStackTrace())
                    .filter(frame -> !frame.getClassName().startsWith("java."))
                    .findFirst()
                    .map(frame -> " at " + frame)
                    .orElse("");
            return new Failed(error.getClass().getName() + place);
        }

        @Override
        public String word() {
            return "failed";
        }
    }

    /** The client did not answer in time. */
    record TimedOut(Duration after) implements ClientOutcome {
        @Override
        public String word() {
            return "timed-out";
        }

        @Override
        public String reason() {
            return "no answer within " + after.toMillis() + " ms";
        }
    }

    /** The answer was no longer needed: enough others had come first. */
    record Cancelled(String reason) implements ClientOutcome {
        /** Shortens an overlong reason, and makes each control character a space. */
        public Cancelled {
            reason = plain(shorten(reason));
        }

        @Override
        public String word() {
            return "cancelled";
        }
    }

    /** A reason is shown on terminals and in logs, where a control character is a command or a line of its own. */
    private static String plain(String text) {
        StringBuilder plain = new StringBuilder(text);
        for (int i = 0; i < plain.length(); i++) {
            if (Character.isISOControl(plain.charAt(i))) {
                plain.setCharAt(i, ' ');
            }
        }
        return plain.toString();
    }

    private static String shorten(String text) {
        if (text.length() <= MAX_TEXT_LENGTH) {
            return text;
        }
        // Half a surrogate pair would not survive the way into a record.
        int end = MAX_TEXT_LENGTH - 1;
        return text.substring(0, Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end) + "…";
    }
}
