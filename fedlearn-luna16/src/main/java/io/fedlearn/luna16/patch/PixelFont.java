package io.fedlearn.luna16.patch;

import java.util.Locale;

/** Capital letters and digits of 5 x 7 pixels: a machine without screen often has no fonts. Stateless. */
final class PixelFont {
    static final int WIDTH = 5;
    static final int HEIGHT = 7;
    static final int ADVANCE = 6;

    private static final String CHARACTERS = " .,-+:%()/=0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    /** Row by row from the top, two hexadecimal digits each; the leftmost pixel is the bit of 16. */
    private static final String[] GLYPHS = {
        "00000000000000",
        "00000000000C0C",
        "000000000C0408",
        "0000001F000000",
        "0004041F040400",
        "000C0C000C0C00",
        "18190204081303",
        "02040808080402",
        "08040202020408",
        "01010204081010",
        "00001F001F0000",
        "0E11131519110E",
        "040C040404040E",
        "0E11010204081F",
        "1F02040201110E",
        "02060A121F0202",
        "1F101E0101110E",
        "0608101E11110E",
        "1F010204080808",
        "0E11110E11110E",
        "0E11110F01020C",
        "0E11111F111111",
        "1E11111E11111E",
        "0E11101010110E",
        "1C12111111121C",
        "1F10101E10101F",
        "1F10101E101010",
        "0E11101711110F",
        "1111111F111111",
        "0E04040404040E",
        "0702020202120C",
        "11121418141211",
        "1010101010101F",
        "111B1515111111",
        "11111915131111",
        "0E11111111110E",
        "1E11111E101010",
        "0E11111115120D",
        "1E11111E141211",
        "0F10100E01011E",
        "1F040404040404",
        "1111111111110E",
        "11111111110A04",
        "1111111515150A",
        "11110A040A1111",
        "1111110A040404",
        "1F01020408101F"
    };

    private PixelFont() {}

    /** Pixels that a text takes across. */
    static int width(String text) {
        return text.isEmpty() ? 0 : text.length() * ADVANCE - (ADVANCE - WIDTH);
    }

    /** Whether a pixel of a character is inked. Small letters look as capital ones, and what is not known as a space. */
    static boolean isInked(char character, int x, int y) {
        int index = CHARACTERS.indexOf(
                String.valueOf(character).toUpperCase(Locale.ROOT).charAt(0));
        String glyph = GLYPHS[Math.max(index, 0)];
        return (Integer.parseInt(glyph, 2 * y, 2 * y + 2, 16) >> (WIDTH - 1 - x) & 1) == 1;
    }
}
