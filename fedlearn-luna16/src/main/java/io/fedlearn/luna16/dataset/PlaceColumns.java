package io.fedlearn.luna16.dataset;

import io.fedlearn.luna16.image.Point;

/** Where a list has a row's series and place. */
record PlaceColumns(int series, int x, int y, int z) {
    /** The column with the series UID. */
    static final String SERIES = "seriesuid";

    private static final String X = "coordX";
    private static final String Y = "coordY";
    private static final String Z = "coordZ";

    /** The names of the columns, in the challenge's order. */
    static final String NAMES = SERIES + "," + X + "," + Y + "," + Z;

    static PlaceColumns of(CsvRows rows) {
        return new PlaceColumns(rows.column(SERIES), rows.column(X), rows.column(Y), rows.column(Z));
    }

    String series(CsvRows rows) {
        return rows.text(series);
    }

    Point point(CsvRows rows) {
        return new Point(rows.number(x), rows.number(y), rows.number(z));
    }
}
