package io.fedlearn.examples.heart;

import io.fedlearn.models.table.Column;
import io.fedlearn.models.table.Label;
import io.fedlearn.models.table.TableSchema;

/**
 * The columns of the UCI heart-disease files: 14 fields without a header, {@code ?} or {@code NaN} for what is
 * missing, and {@code num}, the degree of disease, of which anything above 0 counts as ill.
 *
 * <p>A cholesterol or resting blood pressure of 0 is missing too: nobody alive has either, and one hospital wrote 0
 * for every patient whose cholesterol it did not measure.
 */
final class HeartTable {
    static final TableSchema SCHEMA = TableSchema.builder()
            .fields(
                    "age",
                    "sex",
                    "cp",
                    "trestbps",
                    "chol",
                    "fbs",
                    "restecg",
                    "thalach",
                    "exang",
                    "oldpeak",
                    "slope",
                    "ca",
                    "thal",
                    "num")
            .missing("?", "NaN")
            .numeric("age")
            .category("sex", "0", "1")
            .category("cp", "1", "2", "3", "4")
            .column(Column.numeric("trestbps").withMissing("0").withMissingIndicator())
            .column(Column.numeric("chol").withMissing("0").withMissingIndicator())
            .column(Column.category("fbs", "0", "1").withMissingIndicator())
            .column(Column.category("restecg", "0", "1", "2").withMissingIndicator())
            .column(Column.numeric("thalach").withMissingIndicator())
            .column(Column.category("exang", "0", "1").withMissingIndicator())
            .column(Column.numeric("oldpeak").withMissingIndicator())
            .column(Column.category("slope", "1", "2", "3").withMissingIndicator())
            .column(Column.numeric("ca").withMissingIndicator())
            .column(Column.category("thal", "3", "6", "7").withMissingIndicator())
            .label(Label.positiveAbove("num", 0))
            .build();

    private HeartTable() {}
}
