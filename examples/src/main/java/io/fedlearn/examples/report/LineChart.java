package io.fedlearn.examples.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.AffineTransform;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/**
 * Curves over common axes, drawn as SVG that takes its colours from the page, so that it is readable on light and dark
 * ground. Immutable.
 */
public final class LineChart {
    private static final double WIDTH = 560;
    private static final double HEIGHT = 320;
    private static final double LEFT = 62;
    private static final double RIGHT = 14;
    private static final double TOP = 12;
    private static final double BOTTOM = 42;
    private static final double LEGEND_LINE = 18;
    private static final double LEGEND_ITEM = 133;
    private static final int LEGEND_COLUMNS = 4;
    private static final int COLOURS = 8;
    private static final int TICKS = 6;
    private static final double PIXELS = 2;
    private static final int BAND_ALPHA = 45;
    private static final Color GROUND = new Color(0xfdfdfc);
    private static final Color INK = new Color(0x1d2327);
    private static final Color RULE = new Color(0xd9dee2);
    private static final List<Color> INKS = IntStream.of(
                    0x1f6fb2, 0xc4511d, 0x2a8a4a, 0x8a4fb0, 0xb08a00, 0x0e8f93, 0xb3365f, 0x5d6b78)
            .mapToObj(Color::new)
            .toList();

    private final String xLabel;
    private final String yLabel;
    private final Frame frame;
    private final List<Series> series;

    /** A point of a curve. */
    public record Point(double x, double y) {}

    /** A place of a band around a curve. */
    public record Range(double x, double low, double high) {}

    private record Series(String name, List<Point> points, List<Range> band) {}

    /** What the axes span. */
    private enum Frame {
        FITTED,
        UNIT_SQUARE,
        OCTAVES
    }

    private LineChart(String xLabel, String yLabel, Frame frame, List<Series> series) {
        this.xLabel = xLabel;
        this.yLabel = yLabel;
        this.frame = frame;
        this.series = List.copyOf(series);
    }

    /** A chart without curves whose axes take their ranges from what is drawn. */
    public static LineChart of(String xLabel, String yLabel) {
        return new LineChart(xLabel, yLabel, Frame.FITTED, List.of());
    }

    /** A chart without curves whose axes go from 0 to 1, with a diagonal. */
    public static LineChart ofUnitSquare(String xLabel, String yLabel) {
        return new LineChart(xLabel, yLabel, Frame.UNIT_SQUARE, List.of());
    }

    /**
     * A chart without curves whose horizontal axis goes over the powers of two that hold all that is drawn, each as wide as
     * the next, and whose vertical axis goes from 0 to 1: FROC curves. All {@code x} must be {@code > 0}.
     */
    public static LineChart ofOctaves(String xLabel, String yLabel) {
        return new LineChart(xLabel, yLabel, Frame.OCTAVES, List.of());
    }

    /** This chart and one curve more; without points it is named in the legend alone. */
    public LineChart with(String name, List<Point> points) {
        return with(name, points, List.of());
    }

    /** This chart and one curve more with a band, which rises in {@code x}, behind it. */
    public LineChart with(String name, List<Point> points, List<Range> band) {
        List<Series> more = new ArrayList<>(series);
        more.add(new Series(name, List.copyOf(points), List.copyOf(band)));
        return new LineChart(xLabel, yLabel, frame, more);
    }

    private Axis xAxis() {
        return switch (frame) {
            case FITTED -> axis(true);
            case UNIT_SQUARE -> new Axis(0, 1, 0.2, false);
            case OCTAVES -> octaves();
        };
    }

    private Axis yAxis() {
        return frame == Frame.FITTED ? axis(false) : new Axis(0, 1, 0.2, false);
    }

    private Axis octaves() {
        double least = Double.POSITIVE_INFINITY;
        double most = 0;
        for (Series one : series) {
            for (Point point : one.points) {
                if (!(point.x > 0)) {
                    throw new IllegalArgumentException("x must be > 0 on an axis of octaves, was " + point.x);
                }
                least = Math.min(least, point.x);
                most = Math.max(most, point.x);
            }
        }
        if (least > most) {
            return new Axis(0, 1, 1, true);
        }
        double from = Math.floor(log2(least) + 1e-9);
        return new Axis(from, Math.max(from + 1, Math.ceil(log2(most) - 1e-9)), 1, true);
    }

    private static double log2(double value) {
        return Math.log(value) / Math.log(2);
    }

    /** The chart as an element {@code svg}. */
    public String toSvg() {
        Axis x = xAxis();
        Axis y = yAxis();
        int legendLines = (series.size() + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS;
        double height = HEIGHT + LEGEND_LINE * legendLines;
        StringBuilder svg = new StringBuilder();
        svg.append("<svg viewBox=\"0 0 ")
                .append(number(WIDTH))
                .append(' ')
                .append(number(height))
                .append("\" role=\"img\" aria-label=\"")
                .append(HtmlReport.escape(yLabel + " by " + xLabel))
                .append("\">\n");
        drawAxes(svg, x, y);
        if (frame == Frame.UNIT_SQUARE) {
            line(svg, "diagonal", px(x, 0), py(y, 0), px(x, 1), py(y, 1));
        }
        for (int i = 0; i < series.size(); i++) {
            drawSeries(svg, i, x, y);
        }
        return svg.append("</svg>\n").toString();
    }

    /** The chart as an SVG file of its own. */
    public String toSvgFile() {
        String svg = toSvg();
        int end = svg.indexOf(">\n") + 2;
        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\""
                + svg.substring("<svg".length(), end)
                + "<style>\n" + HtmlReport.resource("chart.css") + "</style>\n" + svg.substring(end);
    }

    /** The chart as a PNG file, dark on light, two pixels to a unit of the SVG. */
    public byte[] toPng() {
        int legendLines = (series.size() + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS;
        BufferedImage image = new BufferedImage(
                (int) (PIXELS * WIDTH),
                (int) (PIXELS * (HEIGHT + LEGEND_LINE * legendLines)),
                BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        try {
            graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
            graphics.setColor(GROUND);
            graphics.fillRect(0, 0, image.getWidth(), image.getHeight());
            graphics.scale(PIXELS, PIXELS);
            graphics.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
            paint(graphics);
        } finally {
            graphics.dispose();
        }
        return png(image);
    }

    private void paint(Graphics2D graphics) {
        Axis x = xAxis();
        Axis y = yAxis();
        graphics.setStroke(new BasicStroke(1));
        for (double tick : ticks(x)) {
            graphics.setColor(RULE);
            double place = across(x.shareOfTick(tick));
            graphics.draw(new Line2D.Double(place, TOP, place, HEIGHT - BOTTOM));
            paint(graphics, 0.5, place, HEIGHT - BOTTOM + 16, x.text(tick));
        }
        for (double tick : ticks(y)) {
            graphics.setColor(RULE);
            graphics.draw(new Line2D.Double(LEFT, py(y, tick), WIDTH - RIGHT, py(y, tick)));
            paint(graphics, 1, LEFT - 6, py(y, tick) + 4, y.text(tick));
        }
        paint(graphics, 0.5, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, xLabel);
        AffineTransform upright = graphics.getTransform();
        graphics.translate(14, (TOP + HEIGHT - BOTTOM) / 2);
        graphics.rotate(-Math.PI / 2);
        paint(graphics, 0.5, 0, 0, yLabel);
        graphics.setTransform(upright);
        if (frame == Frame.UNIT_SQUARE) {
            graphics.setColor(RULE);
            graphics.draw(new Line2D.Double(px(x, 0), py(y, 0), px(x, 1), py(y, 1)));
        }
        for (int i = 0; i < series.size(); i++) {
            paint(graphics, i, x, y);
        }
    }

    private void paint(Graphics2D graphics, int place, Axis x, Axis y) {
        Series one = series.get(place);
        Path2D path = new Path2D.Double();
        for (Point point : one.points) {
            if (path.getCurrentPoint() == null) {
                path.moveTo(px(x, point.x), py(y, point.y));
            } else {
                path.lineTo(px(x, point.x), py(y, point.y));
            }
        }
        Color ink = INKS.get(place % COLOURS);
        if (!one.band.isEmpty()) {
            graphics.setColor(new Color(ink.getRed(), ink.getGreen(), ink.getBlue(), BAND_ALPHA));
            graphics.fill(outline(one.band, x, y));
        }
        graphics.setColor(ink);
        graphics.setStroke(new BasicStroke(place == 0 ? 2.8f : 1.6f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
        if (one.points.size() == 1) {
            double radius = 3;
            graphics.fill(new Ellipse2D.Double(
                    px(x, one.points.get(0).x) - radius, py(y, one.points.get(0).y) - radius, 2 * radius, 2 * radius));
        } else {
            graphics.draw(path);
        }
        double left = LEFT + LEGEND_ITEM * (place % LEGEND_COLUMNS) - 40;
        int legendLine = place / LEGEND_COLUMNS;
        double top = HEIGHT + 4 + LEGEND_LINE * legendLine;
        graphics.draw(new Line2D.Double(left, top, left + 18, top));
        paint(graphics, 0, left + 23, top + 4, one.name);
    }

    private static Path2D outline(List<Range> band, Axis x, Axis y) {
        Path2D outline = new Path2D.Double();
        outline.moveTo(px(x, band.get(0).x), py(y, band.get(0).high));
        band.forEach(range -> outline.lineTo(px(x, range.x), py(y, range.high)));
        for (int i = band.size() - 1; i >= 0; i--) {
            outline.lineTo(px(x, band.get(i).x), py(y, band.get(i).low));
        }
        outline.closePath();
        return outline;
    }

    /** Writes a text that has this share of its width left of the point. */
    private static void paint(Graphics2D graphics, double share, double x, double y, String text) {
        graphics.setColor(INK);
        double width = graphics.getFontMetrics().getStringBounds(text, graphics).getWidth();
        graphics.drawString(text, (float) (x - share * width), (float) y);
    }

    private static byte[] png(BufferedImage image) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
        // Not ImageIO.write, which may keep a file in the folder for temporary ones.
        try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
            writer.setOutput(out);
            writer.write(image);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            writer.dispose();
        }
        return bytes.toByteArray();
    }

    private static List<Double> ticks(Axis axis) {
        List<Double> ticks = new ArrayList<>();
        for (double i = Math.ceil(axis.from / axis.step - 1e-9); i * axis.step <= axis.to + axis.step * 1e-6; i++) {
            ticks.add(i * axis.step);
        }
        return ticks;
    }

    /**
     * An axis.
     *
     * @param isOfOctaves whether the numbers are exponents of 2
     */
    private record Axis(double from, double to, double step, boolean isOfOctaves) {
        /** Where a value lies, from 0 to 1. */
        double share(double value) {
            return ((isOfOctaves ? log2(value) : value) - from) / (to - from);
        }

        /** Where a tick lies, from 0 to 1. */
        double shareOfTick(double tick) {
            return (tick - from) / (to - from);
        }

        String text(double tick) {
            if (!isOfOctaves) {
                return tickText(tick, step);
            }
            long power = 1L << Math.abs(Math.round(tick));
            return tick < 0 ? "1/" + power : Long.toString(power);
        }
    }

    private Axis axis(boolean horizontal) {
        double least = Double.POSITIVE_INFINITY;
        double most = Double.NEGATIVE_INFINITY;
        for (Series one : series) {
            for (Point point : one.points) {
                double value = horizontal ? point.x : point.y;
                least = Math.min(least, value);
                most = Math.max(most, value);
            }
        }
        if (least > most) {
            return new Axis(0, 1, 0.2, false);
        }
        if (least == most) {
            least -= 0.5;
            most += 0.5;
        }
        double step = niceStep((most - least) / TICKS);
        if (horizontal) {
            return new Axis(least, most, Math.max(1, step), false);
        }
        return new Axis(Math.floor(least / step) * step, Math.ceil(most / step) * step, step, false);
    }

    private static double niceStep(double rough) {
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double share = rough / power;
        return power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
    }

    private void drawAxes(StringBuilder svg, Axis x, Axis y) {
        for (double tick = Math.ceil(x.from / x.step - 1e-9) * x.step; tick <= x.to + x.step * 1e-6; tick += x.step) {
            double place = across(x.shareOfTick(tick));
            line(svg, "grid", place, TOP, place, HEIGHT - BOTTOM);
            text(svg, "middle", place, HEIGHT - BOTTOM + 16, x.text(tick));
        }
        for (int i = 0; y.from + i * y.step <= y.to + y.step * 1e-6; i++) {
            double tick = y.from + i * y.step;
            line(svg, "grid", LEFT, py(y, tick), WIDTH - RIGHT, py(y, tick));
            text(svg, "end", LEFT - 6, py(y, tick) + 4, y.text(tick));
        }
        text(svg, "middle", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, xLabel);
        double middle = (TOP + HEIGHT - BOTTOM) / 2;
        svg.append("<text text-anchor=\"middle\" transform=\"translate(14 ")
                .append(number(middle))
                .append(") rotate(-90)\">")
                .append(HtmlReport.escape(yLabel))
                .append("</text>\n");
    }

    private void drawSeries(StringBuilder svg, int place, Axis x, Axis y) {
        Series one = series.get(place);
        String style = "s" + place % COLOURS + (place == 0 ? " first" : "");
        StringBuilder path = new StringBuilder();
        for (Point point : one.points) {
            append(path, px(x, point.x), py(y, point.y));
        }
        svg.append("<g class=\"")
                .append(style)
                .append("\"><title>")
                .append(HtmlReport.escape(one.name))
                .append("</title>");
        if (!one.band.isEmpty()) {
            drawBand(svg, one.band, x, y);
        }
        if (one.points.size() == 1) {
            svg.append("<circle cx=\"")
                    .append(number(px(x, one.points.get(0).x)))
                    .append("\" cy=\"")
                    .append(number(py(y, one.points.get(0).y)))
                    .append("\" r=\"3\"/>");
        } else if (!path.isEmpty()) {
            svg.append("<path d=\"").append(path).append("\"/>");
        }
        double left = LEFT + LEGEND_ITEM * (place % LEGEND_COLUMNS) - 40;
        int legendLine = place / LEGEND_COLUMNS;
        double top = HEIGHT + 4 + LEGEND_LINE * legendLine;
        svg.append("<path d=\"M")
                .append(number(left))
                .append(' ')
                .append(number(top))
                .append('h')
                .append("18\"/>");
        text(svg, "start", left + 23, top + 4, one.name);
        svg.append("</g>\n");
    }

    private static void drawBand(StringBuilder svg, List<Range> band, Axis x, Axis y) {
        StringBuilder path = new StringBuilder();
        for (Range range : band) {
            append(path, px(x, range.x), py(y, range.high));
        }
        for (int i = band.size() - 1; i >= 0; i--) {
            append(path, px(x, band.get(i).x), py(y, band.get(i).low));
        }
        svg.append("<path class=\"band\" d=\"").append(path).append("Z\"/>");
    }

    private static void append(StringBuilder path, double x, double y) {
        path.append(path.isEmpty() ? "M" : "L").append(number(x)).append(' ').append(number(y));
    }

    private static double px(Axis axis, double value) {
        return across(axis.share(value));
    }

    private static double across(double share) {
        return LEFT + share * (WIDTH - LEFT - RIGHT);
    }

    private static double py(Axis axis, double value) {
        return HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - BOTTOM - TOP);
    }

    private static void line(StringBuilder svg, String style, double x1, double y1, double x2, double y2) {
        svg.append("<path class=\"")
                .append(style)
                .append("\" d=\"M")
                .append(number(x1))
                .append(' ')
                .append(number(y1))
                .append('L')
                .append(number(x2))
                .append(' ')
                .append(number(y2))
                .append("\"/>\n");
    }

    private static void text(StringBuilder svg, String anchor, double x, double y, String text) {
        svg.append("<text text-anchor=\"")
                .append(anchor)
                .append("\" x=\"")
                .append(number(x))
                .append("\" y=\"")
                .append(number(y))
                .append("\">")
                .append(HtmlReport.escape(text))
                .append("</text>\n");
    }

    private static String tickText(double value, double step) {
        int decimals = (int) Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
        return String.format(Locale.ROOT, "%." + decimals + "f", value + 0.0);
    }

    private static String number(double value) {
        String text = String.format(Locale.ROOT, "%.1f", value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }

    /** The points of a curve over whole numbers from {@code first}, without those that are not defined. */
    public static List<Point> points(int first, List<OptionalDouble> values) {
        List<Point> points = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            if (values.get(i).isPresent()) {
                points.add(new Point(first + i, values.get(i).getAsDouble()));
            }
        }
        return points;
    }
}
