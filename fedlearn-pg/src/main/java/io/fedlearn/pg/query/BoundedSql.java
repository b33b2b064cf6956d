package io.fedlearn.pg.query;

import io.fedlearn.pg.internal.Columns;
import io.fedlearn.privacy.query.BoundedColumn;
import io.fedlearn.privacy.query.BoundedQuery;
import io.fedlearn.privacy.query.BoundedSums;
import io.fedlearn.privacy.query.ColumnType;
import io.fedlearn.privacy.query.Comparison;
import io.fedlearn.privacy.query.Condition;
import io.fedlearn.privacy.query.Grouping;
import io.fedlearn.privacy.query.Measure;
import io.fedlearn.privacy.query.ValueGrid;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One statement that computes a bounded query, and the values that are bound to it. Identifiers are those of columns that the catalogue
 * has, quoted; all else that a query says is a bound value. Confined to one thread at a time.
 *
 * <pre>
 *   counted   the rows that count, each with its person, group and value
 *   numbered  the same, numbered within person and group, and the groups within the person, in an order that is drawn by hashing
 *             with the salt: which rows are left depends on the salt and that person's own rows, nothing else
 *   sums      sums of whole numbers over what is left
 * </pre>
 */
final class BoundedSql {
    private final Map<String, SourceColumn> columns;
    private final BoundedQuery query;
    private final StringBuilder sql = new StringBuilder();
    private final List<Object> values = new ArrayList<>();
    private final List<String> scalars = new ArrayList<>();

    private BoundedSql(Map<String, SourceColumn> columns, BoundedQuery query) {
        this.columns = columns;
        this.query = query;
    }

    /**
     * The statement for a query.
     *
     * @param table quoted, with its schema
     * @param salt from which it is drawn which rows of a person are left
     */
    static BoundedSql of(
            String table, SourceColumn person, Map<String, SourceColumn> columns, BoundedQuery query, long salt) {
        BoundedSql statement = new BoundedSql(columns, query);
        statement.write(table, person, salt);
        return statement;
    }

    private void write(String table, SourceColumn person, long salt) {
        boolean isGrouped = query.grouping().isPresent();
        boolean hasValue = query.column().isPresent();
        sql.append("WITH counted AS (SELECT ").append(person.person()).append(" AS p, ");
        sql.append(isGrouped ? "k.g AS g, " : "1::int8 AS g, ");
        query.column().ifPresentOrElse(this::appendValue, () -> sql.append("0::float8"));
        sql.append(" AS v FROM ").append(table).append(" r");
        query.grouping().ifPresent(this::appendKeys);
        sql.append(" WHERE ");
        append(query.where());
        sql.append(hasValue ? "), valued AS (SELECT p, g, v FROM counted WHERE v IS NOT NULL)" : ")");

        sql.append(", numbered AS (SELECT g, v, pg_catalog.row_number() OVER (PARTITION BY p, g");
        if (hasValue) {
            // Rows of the same value are the same to every sum: their order among themselves does not matter.
            sql.append(" ORDER BY pg_catalog.hashfloat8extended(v, pg_catalog.hashint8extended(g, ");
            appendPersonHash(person, salt);
            sql.append(")), v");
        }
        sql.append(") AS n");
        if (isGrouped) {
            sql.append(", pg_catalog.dense_rank() OVER (PARTITION BY p ORDER BY pg_catalog.hashint8extended(g, ");
            appendPersonHash(person, salt);
            sql.append("), g) AS d");
        }
        sql.append(" FROM ").append(hasValue ? "valued" : "counted").append(")");

        sql.append(", kept AS (SELECT g, n");
        int bins = 0;
        StringBuilder distances = new StringBuilder();
        List<Object> distanceValues = new ArrayList<>();
        for (Measure measure : query.measures()) {
            if (measure instanceof Measure.Bins bin) {
                sql.append(", least(greatest(pg_catalog.width_bucket(v, ?), 1), ?) AS b")
                        .append(bins++);
                values.add(bin.edges());
                values.add((long) bin.edges().size() - 1);
            } else if (measure instanceof Measure.Values index) {
                appendIndex(index.grid(), scalars.size(), distances, distanceValues);
                scalars.add("pg_catalog.sum(i" + scalars.size() + ")");
            } else if (measure instanceof Measure.Squares square) {
                appendIndex(square.grid(), scalars.size(), distances, distanceValues);
                scalars.add("pg_catalog.sum(" + square("i" + scalars.size(), square.grid()) + ")");
            } else {
                scalars.add(
                        measure instanceof Measure.Persons
                                ? "pg_catalog.count(*) FILTER (WHERE n = 1)"
                                : "pg_catalog.count(*)");
            }
        }
        sql.append(" FROM numbered").append(distances).append(" WHERE n <= ?");
        values.addAll(distanceValues);
        values.add((long) query.maxRowsPerPerson());
        if (isGrouped) {
            sql.append(" AND d <= ?");
            values.add((long) query.grouping().get().maxGroupsPerPerson());
        }
        sql.append(")");
        writeSums(bins);
        writeResult(table, person);
    }

    private void appendValue(BoundedColumn column) {
        if (column.missingAs().isPresent()) {
            sql.append("coalesce(").append(spelt(column.name())).append(", ?)");
            values.add(column.missingAs().getAsDouble());
        } else {
            sql.append(spelt(column.name()));
        }
    }

    private void appendKeys(Grouping grouping) {
        SourceColumn column = column(grouping.column());
        boolean isText = column.columnType().equals(Optional.of(ColumnType.TEXT));
        sql.append(" JOIN pg_catalog.unnest(?) WITH ORDINALITY AS k(key, g) ON ")
                .append(column.value())
                .append(isText ? " = k.key COLLATE \"C\"" : " = k.key");
        values.add(
                isText
                        ? grouping.keys().stream().map(BoundedSql::storable).toList()
                        : grouping.keys().stream().map(Double::parseDouble).toList());
    }

    private void appendPersonHash(SourceColumn person, long salt) {
        sql.append(person.isWholePerson() ? "pg_catalog.hashint8extended(p, ?)" : "pg_catalog.hashtextextended(p, ?)");
        values.add(salt);
    }

    /**
     * {@link ValueGrid#index}, step by step: both languages compute and round the same doubles, but for a quotient too small for one, at
     * which SQL fails.
     */
    private void appendIndex(ValueGrid grid, int number, StringBuilder distances, List<Object> distanceValues) {
        String distance = "x" + number;
        sql.append(", CASE WHEN pg_catalog.abs(" + distance + ") < ? THEN 0")
                .append(" ELSE greatest(?, least(?, pg_catalog.round(" + distance + " / ?)::int8)) END AS i")
                .append(number);
        values.addAll(List.of(grid.step() / 4, -grid.reach(), grid.reach(), grid.step()));
        distances
                .append(" CROSS JOIN LATERAL (VALUES (greatest(?, least(?, v)) - ?)) AS of" + number)
                .append("(" + distance + ")");
        distanceValues.addAll(List.of(grid.lower(), grid.upper(), grid.origin()));
    }

    /** {@link ValueGrid#square}: the unit is a power of two, and shifting rounds down. */
    private static String square(String index, ValueGrid grid) {
        long shift = Long.numberOfTrailingZeros(grid.squareUnit());
        long add = grid.squareUnit() / 2 - grid.reach() * grid.reach() / 2;
        return "(" + index + " * " + index + " + (" + add + ")) >> " + shift;
    }

    /** For each group a row of the scalar sums; for each histogram, for each group and bin, a row of how many. */
    private void writeSums(int bins) {
        sql.append(", sums AS (SELECT ");
        StringBuilder sets = new StringBuilder("(g)");
        StringBuilder which = new StringBuilder("0");
        StringBuilder bin = new StringBuilder("0");
        for (int b = 0; b < bins; b++) {
            sets.append(", (g, b").append(b).append(')');
            which.append(" + ")
                    .append(b + 1)
                    .append(" * (1 - grouping(b")
                    .append(b)
                    .append("))");
            bin.append(" + coalesce(b").append(b).append(", 0)");
        }
        sql.append(which).append(" AS which, g, ").append(bin).append(" AS bin, pg_catalog.count(*) AS many");
        for (int i = 0; i < scalars.size(); i++) {
            sql.append(", (").append(scalars.get(i)).append(")::int8 AS s").append(i);
        }
        sql.append(" FROM kept GROUP BY GROUPING SETS (").append(sets).append("))");
    }

    /** In the same statement, and so on the same rows: whether there is one of nobody. */
    private void writeResult(String table, SourceColumn person) {
        sql.append(" SELECT nobody, which, g, bin, many");
        for (int i = 0; i < scalars.size(); i++) {
            sql.append(", s").append(i);
        }
        sql.append(" FROM (SELECT EXISTS (SELECT FROM ")
                .append(table)
                .append(" r WHERE ")
                .append(person.nobody())
                .append(") AS nobody) AS checked LEFT JOIN sums ON true");
    }

    private SourceColumn column(String name) {
        SourceColumn column = columns.get(name);
        if (column == null) {
            throw new IllegalArgumentException("column must be one of " + columns.keySet() + ", was '" + name + "'");
        }
        return column;
    }

    private String spelt(String name) {
        return column(name).value();
    }

    /** A condition that is true or false, and never neither. */
    private void append(Condition condition) {
        if (condition instanceof Condition.And and) {
            appendAll(and.conditions(), " AND ", "true");
        } else if (condition instanceof Condition.Or or) {
            appendAll(or.conditions(), " OR ", "false");
        } else if (condition instanceof Condition.Not not) {
            sql.append("(NOT ");
            append(not.condition());
            sql.append(')');
        } else if (condition instanceof Condition.Compare compare) {
            appendTest(compare.column(), sign(compare.comparison()) + " ?", compare.constant());
        } else if (condition instanceof Condition.Between between) {
            appendTest(between.column(), "BETWEEN ? AND ?", between.lower(), between.upper());
        } else if (condition instanceof Condition.InNumbers in) {
            appendTest(in.column(), "= ANY (?)", in.constants());
        } else if (condition instanceof Condition.InTexts in) {
            appendTest(
                    in.column(),
                    "= ANY (?)",
                    in.constants().stream().map(BoundedSql::storable).toList());
        } else {
            sql.append('(')
                    .append(spelt(((Condition.IsMissing) condition).column()))
                    .append(" IS NULL)");
        }
    }

    private void appendAll(List<Condition> conditions, String word, String none) {
        sql.append('(').append(none);
        for (Condition condition : conditions) {
            sql.append(word);
            append(condition);
        }
        sql.append(')');
    }

    private void appendTest(String column, String test, Object... constants) {
        sql.append("((").append(spelt(column)).append(' ').append(test).append(") IS TRUE)");
        values.addAll(List.of(constants));
    }

    private static String sign(Comparison comparison) {
        return switch (comparison) {
            case LESS -> "<";
            case AT_MOST -> "<=";
            case EQUAL -> "=";
            case NOT_EQUAL -> "<>";
            case AT_LEAST -> ">=";
            case GREATER -> ">";
        };
    }

    /** A text as PostgreSQL can have it: no value of a column equals one that it cannot, nor the empty text, which is a missing value. */
    private static String storable(String text) {
        return Columns.isStorable(text) ? text : "";
    }

    /** The text of the statement, which holds no constant of the query. */
    String text() {
        return sql.toString();
    }

    /**
     * Runs it.
     *
     * @return empty if a row is nobody's
     */
    Optional<BoundedSums> run(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(text())) {
            for (int i = 0; i < values.size(); i++) {
                bind(connection, statement, i + 1, values.get(i));
            }
            // In parts: there may be a million bins.
            statement.setFetchSize(10_000);
            try (ResultSet rows = statement.executeQuery()) {
                return read(rows);
            }
        }
    }

    private static void bind(Connection connection, PreparedStatement statement, int index, Object value)
            throws SQLException {
        if (value instanceof List<?> list) {
            boolean isText = list.get(0) instanceof String;
            Array array = connection.createArrayOf(isText ? "text" : "float8", list.toArray());
            statement.setArray(index, array);
        } else if (value instanceof Long whole) {
            statement.setLong(index, whole);
        } else {
            statement.setDouble(index, (Double) value);
        }
    }

    private Optional<BoundedSums> read(ResultSet rows) throws SQLException {
        BoundedSums sums = BoundedSums.zeros(query);
        while (rows.next()) {
            if (rows.getBoolean("nobody")) {
                return Optional.empty();
            }
            int which = rows.getInt("which");
            if (rows.wasNull()) {
                continue;
            }
            add(sums, rows, which, rows.getInt("g") - 1);
        }
        return Optional.of(sums);
    }

    private void add(BoundedSums sums, ResultSet rows, int which, int group) throws SQLException {
        int index = 0;
        int histogram = 0;
        int scalar = 0;
        for (Measure measure : query.measures()) {
            if (measure instanceof Measure.Bins) {
                histogram++;
                if (which == histogram) {
                    sums.add(group, index + rows.getInt("bin") - 1, rows.getLong("many"));
                }
            } else {
                if (which == 0) {
                    sums.add(group, index, rows.getLong("s" + scalar));
                }
                scalar++;
            }
            index += measure.size();
        }
    }

    /** The statement, without what is bound to it. */
    @Override
    public String toString() {
        return text();
    }
}
