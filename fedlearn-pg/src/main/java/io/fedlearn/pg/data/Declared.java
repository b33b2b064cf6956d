package io.fedlearn.pg.data;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.pg.internal.Database;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** A column as the application declares it. */
sealed interface Declared {
    /** The day that dates count from: 1970-01-01. */
    LocalDate DEFAULT_SINCE = LocalDate.EPOCH;

    /** The name of the column. */
    String column();

    /** What messages, policies and features call it. */
    default String name() {
        return column();
    }

    /**
     * The column as it is in the database.
     *
     * @param type the name of its type there
     */
    Column resolve(String type, Parameters parameters) throws SQLException;

    private static IllegalArgumentException unfit(Declared declared, String type, String advice) {
        return new IllegalArgumentException(
                "column '" + declared.column() + "' of type " + type + " cannot be " + advice);
    }

    /** Its type says what it is. */
    record Typed(String column, LocalDate since, int length) implements Declared {
        @Override
        public Column resolve(String type, Parameters parameters) {
            Optional<Column> found = Column.ofType(type, column, Database.quote(column), since, length);
            boolean isArray = type.startsWith("_") || type.equals("vector") || type.equals("halfvec");
            if (found.isEmpty()) {
                throw unfit(this, type, "a feature or label as it is" + advice(type));
            }
            if (length > 0 && !isArray) {
                throw unfit(this, type, "an array of numbers");
            }
            if (!since.equals(DEFAULT_SINCE) && !type.equals("date") && !type.startsWith("timestamp")) {
                throw unfit(this, type, "a date");
            }
            return found.get();
        }

        private static String advice(String type) {
            switch (type) {
                case "text":
                case "varchar":
                case "bpchar":
                    return "; declare its categories";
                case "bytea":
                    return "; declare it as a tensor, with type and shape";
                case "json":
                case "jsonb":
                    return "; declare a path to a number in it";
                default:
                    return "; numbers, booleans, dates and arrays of numbers can, and categories of a declared vocabulary";
            }
        }
    }

    /** A tensor's bytes. */
    record Bytes(String column, TensorType type, Shape shape) implements Declared {
        @Override
        public Column resolve(String found, Parameters parameters) {
            if (!found.equals("bytea")) {
                throw unfit(this, found, "a tensor, which is bytea");
            }
            return new Column.Bytes(column, Database.quote(column), type, shape);
        }
    }

    /** A number within JSON. */
    record Json(String column, List<String> path) implements Declared {
        @Override
        public String name() {
            return path.isEmpty() ? column : column + "." + String.join(".", path);
        }

        @Override
        public Column resolve(String type, Parameters parameters) throws SQLException {
            if (!type.equals("jsonb") && !type.equals("json")) {
                throw unfit(this, type, "read as JSON");
            }
            String array = Parameters.array(path.stream()
                    .map(each -> '"' + each.replace("\\", "\\\\").replace("\"", "\\\"") + '"')
                    .collect(Collectors.toList()));
            return new Column.Json(
                    name(),
                    "(" + Database.quote(column) + "::jsonb #> " + parameters.expression(List.of(array), "text[]")
                            + ")");
        }
    }

    /** One of a vocabulary. */
    record Category(String column, Vocabulary vocabulary, boolean isIndex) implements Declared {
        @Override
        public Column resolve(String type, Parameters parameters) {
            if (type.equals("bytea") || type.equals("json") || type.equals("jsonb") || type.startsWith("_")) {
                throw unfit(this, type, "a category");
            }
            return new Column.Category(column, Database.quote(column) + "::text", vocabulary, isIndex);
        }
    }
}
