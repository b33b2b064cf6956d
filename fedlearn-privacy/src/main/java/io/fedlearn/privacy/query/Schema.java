package io.fedlearn.privacy.query;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** The columns of a source, against which a query is checked before anything is debited. */
record Schema(Map<String, ColumnType> columns) {
    /**
     * Checks every column of a query, and the keys of its groups.
     *
     * @throws IllegalArgumentException naming what does not fit
     */
    void require(PrivateQuery query) {
        query.aggregate().column().ifPresent(column -> require(column.name(), ColumnType.NUMBER));
        require(query.where());
        query.grouping().ifPresent(this::require);
    }

    private void require(Grouping grouping) {
        if (type(grouping.column()) == ColumnType.TEXT) {
            return;
        }
        Set<Double> seen = new HashSet<>();
        for (String key : grouping.keys()) {
            double number;
            try {
                number = Double.parseDouble(key) + 0.0;
            } catch (NumberFormatException e) {
                number = Double.NaN;
            }
            if (!Double.isFinite(number) || !seen.add(number)) {
                throw new IllegalArgumentException("keys of the groups by column '" + grouping.column()
                        + "' must be different numbers, was '" + key + "'");
            }
        }
    }

    private void require(Condition condition) {
        if (condition instanceof Condition.And and) {
            and.conditions().forEach(this::require);
        } else if (condition instanceof Condition.Or or) {
            or.conditions().forEach(this::require);
        } else if (condition instanceof Condition.Not not) {
            require(not.condition());
        } else if (condition instanceof Condition.Compare compare) {
            require(compare.column(), ColumnType.NUMBER);
        } else if (condition instanceof Condition.Between between) {
            require(between.column(), ColumnType.NUMBER);
        } else if (condition instanceof Condition.InNumbers in) {
            require(in.column(), ColumnType.NUMBER);
        } else if (condition instanceof Condition.InTexts in) {
            require(in.column(), ColumnType.TEXT);
        } else if (condition instanceof Condition.IsMissing missing) {
            type(missing.column());
        }
    }

    private void require(String column, ColumnType wanted) {
        if (type(column) != wanted) {
            throw new IllegalArgumentException("column '" + column + "' must be " + wanted + ", is " + type(column));
        }
    }

    private ColumnType type(String column) {
        ColumnType type = columns.get(column);
        if (type == null) {
            throw new IllegalArgumentException("column must be one of " + columns.keySet() + ", was '" + column + "'");
        }
        return type;
    }
}
