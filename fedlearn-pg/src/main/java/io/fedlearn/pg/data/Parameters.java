package io.fedlearn.pg.data;

import java.sql.Connection;
import java.sql.ParameterMetaData;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.temporal.Temporal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.postgresql.core.BaseConnection;
import org.postgresql.core.NativeQuery;
import org.postgresql.core.Parser;

/**
 * Values for the question marks of a statement that takes none. COPY has no parameters, so each value is bound to a setting that lives as
 * long as the transaction, and the statement asks for the setting, as the type that the server would give the parameter. No value ever
 * becomes a part of a statement's text.
 */
final class Parameters {
    private static final String SETTING = "fedlearn.parameter_";

    private final Connection connection;
    private int count;

    Parameters(Connection connection) {
        this.connection = connection;
    }

    /**
     * An SQL text with its values bound.
     *
     * @param text the application's own, with a question mark for each value
     * @param before what comes before the text to make a statement of it that can be prepared
     * @param after what comes after it
     */
    String bind(String text, List<Object> values, String before, String after) throws SQLException {
        NativeQuery query = parsed(text);
        int[] positions = query.bindPositions;
        if (positions.length != values.size()) {
            throw new IllegalArgumentException("the SQL text has " + positions.length
                    + " parameters (question marks), and there are " + values.size() + " values");
        }
        if (positions.length == 0) {
            return query.nativeSql;
        }
        List<String> expressions = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(before + text + after)) {
            ParameterMetaData types = statement.getParameterMetaData();
            for (int i = 0; i < values.size(); i++) {
                expressions.add(expression(text(values.get(i), i + 1), spelt(types.getParameterTypeName(i + 1))));
            }
        }
        StringBuilder bound = new StringBuilder(query.nativeSql);
        for (int i = positions.length - 1; i >= 0; i--) {
            int end = positions[i] + NativeQuery.bindName(i + 1).length();
            bound.replace(positions[i], end, expressions.get(i));
        }
        return bound.toString();
    }

    /** A type's name as SQL has it: written bare, these two would be those of one bit and one character. */
    private static String spelt(String type) {
        return type.equals("bit") || type.equals("char") ? "pg_catalog.\"" + type + "\"" : type;
    }

    private NativeQuery parsed(String text) throws SQLException {
        boolean areStringsStandard = connection.unwrap(BaseConnection.class).getStandardConformingStrings();
        List<NativeQuery> queries = Parser.parseJdbcSql(text, areStringsStandard, true, true, false, false);
        if (queries.size() != 1) {
            throw new IllegalArgumentException("the SQL text must be one statement, was " + queries.size());
        }
        return queries.get(0);
    }

    /** A text as an expression of this type. */
    String expression(List<String> text, String type) throws SQLException {
        if (text.isEmpty()) {
            return "CAST(NULL AS " + type + ")";
        }
        String setting = SETTING + ++count;
        set(connection, setting, text.get(0));
        // Within a subquery it is evaluated once and not for every row; the cast around keeps ANY(?) from seeing a
        // subquery.
        return "CAST((SELECT CAST(pg_catalog.current_setting('" + setting + "') AS " + type + ")) AS " + type + ")";
    }

    /** Binds a setting for this transaction. */
    static void set(Connection connection, String setting, String value) throws SQLException {
        try (PreparedStatement set = connection.prepareStatement("SELECT pg_catalog.set_config(?, ?, true)")) {
            set.setString(1, setting);
            set.setString(2, value);
            set.execute();
        }
    }

    /** What PostgreSQL reads as this value: none for NULL. */
    private static List<String> text(Object value, int number) {
        if (value instanceof Optional<?> optional) {
            return optional.isEmpty() ? List.of() : text(optional.get(), number);
        }
        if (value instanceof List<?> list) {
            return List.of(array(list.stream()
                    .map(each -> scalar(each, number))
                    .map(each -> '"' + each.replace("\\", "\\\\").replace("\"", "\\\"") + '"')
                    .collect(Collectors.toList())));
        }
        return List.of(scalar(value, number));
    }

    /** PostgreSQL's text of an array. */
    static String array(List<String> quoted) {
        return "{" + String.join(",", quoted) + "}";
    }

    private static String scalar(Object value, int number) {
        if (value instanceof CharSequence
                || value instanceof Number
                || value instanceof Boolean
                || value instanceof UUID
                || value instanceof Temporal) {
            return value.toString();
        }
        if (value instanceof Enum<?> constant) {
            return constant.name();
        }
        throw new IllegalArgumentException("parameter " + number
                + " must be a text, number, boolean, UUID, enum, java.time value, a list or an Optional of them, was "
                + value.getClass().getName());
    }

    /** The values, as they can be kept. */
    static List<Object> copyOf(Object... values) {
        List<Object> kept = new ArrayList<>();
        for (int i = 0; i < values.length; i++) {
            Object value = values[i] instanceof List<?> list ? List.copyOf(list) : values[i];
            Objects.requireNonNull(value, "a value must not be null; an empty Optional stands for NULL");
            text(value, i + 1);
            kept.add(value);
        }
        return Collections.unmodifiableList(kept);
    }
}
