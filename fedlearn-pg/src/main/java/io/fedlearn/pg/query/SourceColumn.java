package io.fedlearn.pg.query;

import io.fedlearn.pg.internal.Database;
import io.fedlearn.privacy.query.ColumnType;
import java.util.Optional;
import java.util.Set;

/**
 * A column of a table that is asked about, and how its values are spelt in SQL so that they are what queries mean by them: numbers are
 * {@code double precision} without NaN, texts are in bytewise order and never empty; what is missing is NULL. No spelling can fail
 * on any value: a failure would tell that there is such a value.
 */
final class SourceColumn {
    private static final Set<String> WHOLE = Set.of("int2", "int4", "int8");
    private static final Set<String> FLOATING = Set.of("float4", "float8");
    private static final Set<String> TEXTS = Set.of("text", "varchar", "bpchar", "name", "bool", "uuid");
    private static final Set<String> PERSONS = Set.of("int2", "int4", "int8", "text", "varchar", "bpchar", "uuid");

    // Halfway from the largest double to the next there would be, and from 0 to the least: further out, a cast fails.
    private static final String LARGEST = "1.7976931348623158e308";
    private static final String LEAST = "2.4703282292062328e-324";

    private final String name;
    /** Of the type itself, where the column's is a domain over it. */
    private final String type;

    private final boolean isEnum;
    /** Whether texts are equal only if their bytes are; true of what is no text. */
    private final boolean isBytewise;

    private final boolean isReadable;

    SourceColumn(String name, String type, boolean isEnum, boolean isBytewise, boolean isReadable) {
        this.name = name;
        this.type = type;
        this.isEnum = isEnum;
        this.isBytewise = isBytewise;
        this.isReadable = isReadable;
    }

    String name() {
        return name;
    }

    /** As the catalogue calls it. */
    String typeName() {
        return type;
    }

    /** Whether the role that asks may read it. */
    boolean isReadable() {
        return isReadable;
    }

    /** What it is to a query; empty if it is nothing that can be asked about. */
    Optional<ColumnType> columnType() {
        if (WHOLE.contains(type) || FLOATING.contains(type) || type.equals("numeric")) {
            return Optional.of(ColumnType.NUMBER);
        }
        return isEnum || TEXTS.contains(type) ? Optional.of(ColumnType.TEXT) : Optional.empty();
    }

    /** Its value, of a row that goes by {@code r}. */
    String value() {
        String column = "r." + Database.quote(name);
        if (WHOLE.contains(type)) {
            return column + "::float8";
        }
        if (FLOATING.contains(type)) {
            return "nullif(" + column + "::float8, 'NaN')";
        }
        if (type.equals("numeric")) {
            String number = column + "::numeric";
            return "CASE WHEN " + number + " = 'NaN' THEN NULL WHEN " + number + " > " + LARGEST
                    + " THEN 'Infinity'::float8 WHEN " + number + " < -" + LARGEST
                    + " THEN '-Infinity'::float8 WHEN pg_catalog.abs(" + number + ") < " + LEAST + " THEN 0 ELSE "
                    + number
                    + "::float8 END";
        }
        return "nullif(" + text(column) + ", '')";
    }

    private static String text(String column) {
        return column + "::text COLLATE \"C\"";
    }

    /** Whether its values can stand for persons. */
    boolean canBePerson() {
        return PERSONS.contains(type);
    }

    /** Whether two texts can be one to its collation, so that a person would count for each way to write them. */
    boolean hasTextsThatAreAlike() {
        return !isBytewise;
    }

    /** Whether persons are whole numbers, not texts. */
    boolean isWholePerson() {
        return WHOLE.contains(type);
    }

    /** Whose row it is, of a row that goes by {@code r}. */
    String person() {
        String column = "r." + Database.quote(name);
        return WHOLE.contains(type) ? column + "::int8" : text(column);
    }

    /**
     * That a row that goes by {@code r} is nobody's. Asked each time, NOT NULL or not: rows that are older than a constraint that is NOT
     * VALID may be NULL, those of a table that inherits too, and a constraint can be dropped.
     */
    String nobody() {
        String column = "r." + Database.quote(name);
        return WHOLE.contains(type) || type.equals("uuid")
                ? column + " IS NULL"
                : "coalesce(" + text(column) + ", '') = ''";
    }
}
