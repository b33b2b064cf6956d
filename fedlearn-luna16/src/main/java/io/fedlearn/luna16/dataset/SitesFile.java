package io.fedlearn.luna16.dataset;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;

/**
 * A list that says which site a scan belongs to: comma-separated, a header, a column with the series UID and one with the
 * site's name; other columns are passed over.
 *
 * @param file the list
 * @param seriesColumns names that the column with the series UID may have
 * @param siteColumns names that the column with the site may have
 */
public record SitesFile(Path file, List<String> seriesColumns, List<String> siteColumns) {
    /** What the column with the series UID is called unless named; the first is the one to use. */
    public static final List<String> SERIES_COLUMNS =
            List.of("seriesuid", "series_uid", "SeriesInstanceUID", "series_instance_uid", "series");
    /** What the column with the site is called unless named; the first is the one to use. */
    public static final List<String> SITE_COLUMNS =
            List.of("site", "hospital", "center", "centre", "client", "institution", "manufacturer");

    /** Copies the names. */
    public SitesFile {
        seriesColumns = List.copyOf(seriesColumns);
        siteColumns = List.copyOf(siteColumns);
        if (seriesColumns.isEmpty() || siteColumns.isEmpty()) {
            throw new IllegalArgumentException("seriesColumns and siteColumns must not be empty");
        }
    }

    /** A list whose columns have usual names. */
    public static SitesFile of(Path file) {
        return new SitesFile(file, SERIES_COLUMNS, SITE_COLUMNS);
    }

    /** A list whose columns have these names. */
    public static SitesFile of(Path file, String seriesColumn, String siteColumn) {
        return new SitesFile(file, List.of(seriesColumn), List.of(siteColumn));
    }

    /**
     * The list that a text names, as on a command line: {@code FILE} or {@code FILE:SERIES_COLUMN:SITE_COLUMN}.
     *
     * @throws IllegalArgumentException if the text is not of this form
     */
    public static SitesFile parse(String text) {
        try {
            // From the end: on Windows the file's name has a colon of its own.
            int last = text.lastIndexOf(':');
            int middle = last < 0 ? -1 : text.lastIndexOf(':', last - 1);
            if (middle < 0) {
                return of(requireNamed(text, text));
            }
            String series = text.substring(middle + 1, last).strip();
            String site = text.substring(last + 1).strip();
            if (series.isEmpty() || site.isEmpty()) {
                throw refusal(text);
            }
            return of(requireNamed(text, text.substring(0, middle)), series, site);
        } catch (InvalidPathException e) {
            IllegalArgumentException refusal = refusal(text);
            refusal.initCause(e);
            throw refusal;
        }
    }

    private static Path requireNamed(String text, String file) {
        if (file.isBlank()) {
            throw refusal(text);
        }
        return Path.of(file);
    }

    private static IllegalArgumentException refusal(String text) {
        return new IllegalArgumentException(
                "sites must be FILE.csv or FILE.csv:SERIES_COLUMN:SITE_COLUMN, was " + CsvRows.quote(text));
    }
}
