package io.fedlearn.examples.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Base64;
import java.util.List;

/**
 * One HTML page that needs nothing but itself: style and charts lie in it, and it asks no server for anything. Grows
 * from top to bottom. Mutable; confined to one thread at a time.
 */
public final class HtmlReport {
    private final String title;
    private final StringBuilder body = new StringBuilder();
    private boolean inCharts;

    private HtmlReport(String title) {
        this.title = title;
    }

    /** A page of this title. */
    public static HtmlReport of(String title) {
        return new HtmlReport(title);
    }

    /** Adds a heading, which starts a section. */
    public HtmlReport section(String heading) {
        return element("h2", heading);
    }

    /** Adds a paragraph. */
    public HtmlReport paragraph(String text) {
        return element("p", text);
    }

    /** Adds a paragraph that stands out. */
    public HtmlReport note(String text) {
        content().append("<p class=\"note\">").append(escape(text)).append("</p>\n");
        return this;
    }

    /** Adds points, one below the other. */
    public HtmlReport points(List<String> texts) {
        content().append("<ul>\n");
        texts.forEach(text -> element("li", text));
        body.append("</ul>\n");
        return this;
    }

    private HtmlReport element(String tag, String text) {
        content()
                .append('<')
                .append(tag)
                .append('>')
                .append(escape(text))
                .append("</")
                .append(tag)
                .append(">\n");
        return this;
    }

    /** Adds a table. */
    public HtmlReport table(Grid grid) {
        return table("numbers", "", grid);
    }

    /** Adds a table with a caption. */
    public HtmlReport table(String caption, Grid grid) {
        return table("numbers", "<caption>" + escape(caption) + "</caption>\n", grid);
    }

    /** Adds a table whose cells are texts, such as names and values: all are aligned left, and long ones wrapped. */
    public HtmlReport facts(Grid grid) {
        return table("facts", "", grid);
    }

    private HtmlReport table(String kind, String caption, Grid grid) {
        content()
                .append("<div class=\"scroll\"><table class=\"")
                .append(kind)
                .append("\">\n")
                .append(caption)
                .append("<thead>");
        row("th", grid.header());
        body.append("</thead>\n<tbody>\n");
        grid.rows().forEach(row -> row("td", row));
        body.append("</tbody></table></div>\n");
        return this;
    }

    private void row(String tag, List<String> cells) {
        body.append("<tr>");
        for (String cell : cells) {
            body.append('<')
                    .append(tag)
                    .append('>')
                    .append(escape(cell))
                    .append("</")
                    .append(tag)
                    .append('>');
        }
        body.append("</tr>\n");
    }

    /** Adds a chart with a caption; neighbouring ones stand side by side where the page is wide enough. */
    public HtmlReport chart(String caption, LineChart chart) {
        if (!inCharts) {
            body.append("<div class=\"charts\">\n");
            inCharts = true;
        }
        body.append("<figure>")
                .append(chart.toSvg())
                .append("<figcaption>")
                .append(escape(caption))
                .append("</figcaption></figure>\n");
        return this;
    }

    /** Adds a picture with a caption; the picture lies in the page. */
    public HtmlReport picture(String caption, Path png) throws IOException {
        String bytes = Base64.getEncoder().encodeToString(Files.readAllBytes(png));
        content()
                .append("<figure class=\"picture\"><img alt=\"")
                .append(escape(caption))
                .append("\" src=\"data:image/png;base64,")
                .append(bytes)
                .append("\"><figcaption>")
                .append(escape(caption))
                .append("</figcaption></figure>\n");
        return this;
    }

    /** Where to add something that is no chart. */
    private StringBuilder content() {
        if (inCharts) {
            body.append("</div>\n");
            inCharts = false;
        }
        return body;
    }

    /** The whole page. */
    public String toHtml() {
        return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" + escape(title)
                + "</title>\n<style>\n" + style() + "</style>\n</head>\n<body>\n<h1>" + escape(title) + "</h1>\n"
                + content()
                + "</body>\n</html>\n";
    }

    /** Writes the page, at once or not at all. */
    public void write(Path file) throws IOException {
        Path aside = file.resolveSibling(file.getFileName() + ".tmp");
        try {
            try (FileChannel channel = FileChannel.open(
                    aside, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = ByteBuffer.wrap(toHtml().getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(aside);
        }
    }

    private static String style() {
        return resource("report.css");
    }

    /** A text that lies beside this class. */
    static String resource(String name) {
        try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException(name + " is missing from the class path");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A text in which nothing is markup. */
    static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
