package io.fedlearn.luna16.patch;

import java.awt.image.BufferedImage;
import java.awt.image.DataBufferInt;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/**
 * A picture that is drawn pixel by pixel, with letters of its own: needs neither a screen nor fonts, and the same calls give
 * the same bytes. What lies beyond the picture is not drawn. Colours are {@code 0xrrggbb}. Confined to one thread at a time.
 */
public final class PixelPicture {
    /** Pixels that a line of text is high: {@value}. */
    public static final int TEXT_HEIGHT = PixelFont.HEIGHT;

    private final BufferedImage image;
    /** The picture's own, row after row. */
    private final int[] pixels;

    /** A black picture. */
    public PixelPicture(int width, int height) {
        this.image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        this.pixels = ((DataBufferInt) image.getRaster().getDataBuffer()).getData();
    }

    /** Pixels across. */
    public int width() {
        return image.getWidth();
    }

    /** Pixels down. */
    public int height() {
        return image.getHeight();
    }

    /** Colours one pixel. */
    public void set(int x, int y, int color) {
        if (x >= 0 && y >= 0 && x < width() && y < height()) {
            pixels[y * width() + x] = color;
        }
    }

    /** Colours a rectangle. */
    public void fill(int left, int top, int width, int height, int color) {
        for (int y = top; y < top + height; y++) {
            for (int x = left; x < left + width; x++) {
                set(x, y, color);
            }
        }
    }

    /** Writes digits and letters, as capitals, of {@value #TEXT_HEIGHT} pixels times a size. */
    public void text(int left, int top, String text, int size, int color) {
        for (int i = 0; i < text.length(); i++) {
            int at = left + i * PixelFont.ADVANCE * size;
            for (int y = 0; y < PixelFont.HEIGHT; y++) {
                for (int x = 0; x < PixelFont.WIDTH; x++) {
                    if (PixelFont.isInked(text.charAt(i), x, y)) {
                        fill(at + x * size, top + y * size, size, size, color);
                    }
                }
            }
        }
    }

    /** Pixels that a text takes across. */
    public static int textWidth(String text, int size) {
        return PixelFont.width(text) * size;
    }

    /** The picture as the bytes of a PNG file. */
    public byte[] png() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
        // Not ImageIO.write, which keeps a file in the folder for temporary ones.
        try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
            writer.setOutput(out);
            writer.write(image);
        } finally {
            writer.dispose();
        }
        return bytes.toByteArray();
    }

    /** Writes a PNG file, first beside it and then renamed. */
    static void write(Path file, byte[] png) throws IOException {
        Path aside = file.resolveSibling(file.getFileName() + "." + UUID.randomUUID() + ".part");
        try {
            Files.write(aside, png);
            Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | RuntimeException | Error e) {
            try {
                Files.deleteIfExists(aside);
            } catch (IOException notDeleted) {
                e.addSuppressed(notDeleted);
            }
            throw e;
        }
    }
}
