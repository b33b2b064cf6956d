package io.fedlearn.grpc.internal.wire;

/** What peers said, before it is shown on terminals, logged or recorded. */
public final class PeerText {
    private PeerText() {}

    /**
     * The text on one line and not too long: a blank for each control character and line separator, and for each half of a surrogate pair
     * without the other, which UTF-8 cannot hold.
     */
    public static String plain(String text, int maxLength) {
        int end = Math.min(text.length(), maxLength);
        if (end < text.length() && end > 0 && Character.isHighSurrogate(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end)
                .codePoints()
                .map(point -> isPlain(point) ? point : ' ')
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    private static boolean isPlain(int point) {
        return switch (Character.getType(point)) {
            case Character.CONTROL, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SURROGATE ->
                false;
            default -> true;
        };
    }
}
