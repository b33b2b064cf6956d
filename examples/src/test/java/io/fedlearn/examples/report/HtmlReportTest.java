package io.fedlearn.examples.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HtmlReportTest {
    @TempDir
    private Path folder;

    @Test
    void textIsNeverMarkup() {
        String page = HtmlReport.of("<script>")
                .paragraph("a < b & \"c\"")
                .table(Grid.of("<i>").with("<b>"))
                .toHtml();
        assertThat(page)
                .contains("&lt;script&gt;", "a &lt; b &amp; &quot;c&quot;", "&lt;i&gt;", "&lt;b&gt;")
                .doesNotContain("<b>");
    }

    @Test
    void neighbouringChartsShareAPlaceThatEndsBeforeWhatFollows() {
        LineChart chart = LineChart.of("x", "y");
        String page = HtmlReport.of("t")
                .chart("a", chart)
                .chart("b", chart)
                .table("c", Grid.of("d"))
                .chart("e", chart)
                .toHtml();
        assertThat(page.split("<div class=\"charts\">", -1)).hasSize(3);
        assertThat(page)
                .containsSubsequence(
                        "<div class=\"charts\">",
                        "<figcaption>b</figcaption></figure>\n</div>",
                        "<caption>c</caption>",
                        "<div class=\"charts\">",
                        "</figure>\n</div>\n</body>");
    }

    @Test
    void replacesAnEarlierPageAtOnce() throws IOException {
        Path file = Files.writeString(folder.resolve("report.html"), "old");
        HtmlReport.of("new").write(file);
        assertThat(file).content().contains("<h1>new</h1>");
        assertThat(folder).isDirectoryNotContaining("glob:**.tmp");
    }

    @Test
    void leavesAnEarlierPageWhereItCannotWrite() throws IOException {
        Path file = Files.writeString(folder.resolve("report.html"), "old");
        Files.createDirectory(folder.resolve("report.html.tmp"));
        assertThatIOException().isThrownBy(() -> HtmlReport.of("new").write(file));
        assertThat(file).hasContent("old");
    }
}
