package io.fedlearn.pg.data;

import io.fedlearn.pg.internal.Database;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Where rows come from: a table with an optional condition, or a query. Immutable. */
record Origin(String schema, String name, String text, List<Object> values) {
    /** A table or view; an empty schema means that it is found as an unqualified name is. */
    static Origin table(String schema, String name) {
        return new Origin(schema, name, "", List.of());
    }

    /** A query of the application's. */
    static Origin query(String text, List<Object> values) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("query must not be blank");
        }
        return new Origin("", "", text, values);
    }

    Origin where(String condition, List<Object> parameters) {
        if (isQuery() || condition.isBlank() || !text.isEmpty()) {
            throw new IllegalArgumentException(
                    "a condition goes with a table, must not be blank and be given once; a query has its own");
        }
        return new Origin(schema, name, condition, parameters);
    }

    boolean isQuery() {
        return name.isEmpty();
    }

    /** What messages call it. */
    @Override
    public String toString() {
        return isQuery() ? "the query" : schema.isEmpty() ? "table " + name : "table " + schema + "." + name;
    }

    /**
     * Rows as they are in one database now.
     *
     * @param from what follows FROM
     * @param types the name of the type of each column
     */
    record Found(Origin origin, String from, String condition, Map<String, String> types, Set<String> ambiguous) {
        /** The type of a column. */
        String type(String column) {
            if (ambiguous.contains(column)) {
                throw new IllegalArgumentException(origin + " has more than one column '" + column + "'");
            }
            String type = types.get(column);
            if (type == null) {
                throw new IllegalArgumentException(
                        origin + " has no column '" + column + "'; it has " + new TreeSet<>(types.keySet()));
            }
            return type;
        }
    }

    /**
     * Looks the rows' columns up.
     *
     * @throws IllegalArgumentException if there is no such table, or the text has another number of parameters
     */
    Found find(Connection connection, Parameters parameters) throws SQLException {
        String from;
        String condition = "";
        if (isQuery()) {
            // The line break ends a comment at the end of the text.
            from = "(" + parameters.bind(text, values, "SELECT * FROM (", "\n) AS source") + "\n) AS source";
        } else {
            from = table(connection);
            if (!text.isEmpty()) {
                condition =
                        " WHERE (" + parameters.bind(text, values, "SELECT 1 FROM " + from + " WHERE (", "\n)") + "\n)";
            }
        }
        Map<String, String> types = new HashMap<>();
        Set<String> ambiguous = new HashSet<>();
        // Not by getMetaData of a statement, for which the driver leaves a prepared one in the session, which a pooler
        // gives to others. A table's columns by its row type: SELECT * would need the right to read all of them.
        String none = isQuery() ? "SELECT * FROM " + from : "SELECT (CAST(NULL AS " + from + ")).*";
        // Not a prepared one, in which a question mark would be a parameter.
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(none + " LIMIT 0")) {
            ResultSetMetaData columns = rows.getMetaData();
            for (int i = 1; i <= columns.getColumnCount(); i++) {
                String column = columns.getColumnLabel(i);
                if (types.put(column, unqualified(columns.getColumnTypeName(i))) != null) {
                    ambiguous.add(column);
                }
            }
        }
        return new Found(this, from, condition, types, ambiguous);
    }

    /** The name of a type that is not on the search path comes quoted and with its schema. */
    private static String unqualified(String type) {
        int dot = type.lastIndexOf("\".\"");
        return dot < 0 ? type : type.substring(dot + 3, type.length() - 1);
    }

    private String table(Connection connection) throws SQLException {
        String find =
                "SELECT n.nspname, c.relname, c.relkind::text, pg_catalog.has_schema_privilege(n.oid, 'USAGE'), current_user"
                        + " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ";
        try (PreparedStatement statement = connection.prepareStatement(find
                + (schema.isEmpty()
                        ? "c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident(?))"
                        : "c.relname = ? AND n.nspname = ?"))) {
            statement.setString(1, name);
            if (!schema.isEmpty()) {
                statement.setString(2, schema);
            }
            try (ResultSet rows = statement.executeQuery()) {
                if (!rows.next()) {
                    throw new IllegalArgumentException("there is no " + this);
                }
                if (!"rvmfp".contains(rows.getString(3))) {
                    throw new IllegalArgumentException(this + " is no table or view");
                }
                if (!rows.getBoolean(4)) {
                    throw new PgDatasetException(
                            "role " + rows.getString(5) + " may not use schema " + rows.getString(1)
                                    + "; its owner can grant that: GRANT USAGE ON SCHEMA "
                                    + Database.quote(rows.getString(1)) + " TO " + Database.quote(rows.getString(5)));
                }
                return Database.quote(rows.getString(1)) + "." + Database.quote(rows.getString(2));
            }
        }
    }

    /** Refuses columns of a table that this role may not read; of a query, the server says so. */
    void requireReadable(Connection connection, Found found, Collection<String> columns) throws SQLException {
        if (isQuery()) {
            return;
        }
        List<String> denied = new ArrayList<>();
        String role = "";
        Array names = connection.createArrayOf("text", new TreeSet<>(columns).toArray());
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT name, current_user FROM pg_catalog.unnest(?::text[]) AS name"
                        + " WHERE NOT pg_catalog.has_column_privilege(?, name, 'SELECT')")) {
            statement.setArray(1, names);
            statement.setString(2, found.from());
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    denied.add(rows.getString(1));
                    role = rows.getString(2);
                }
            }
        } finally {
            names.free();
        }
        if (!denied.isEmpty()) {
            throw new PgDatasetException(
                    "role " + role + " may not read columns " + denied + " of " + this
                            + "; its owner can grant that: GRANT SELECT ("
                            + denied.stream().map(Database::quote).collect(Collectors.joining(", ")) + ") ON "
                            + found.from() + " TO " + Database.quote(role),
                    denied.get(0));
        }
    }
}
