package io.fedlearn.examples.credit;

import io.fedlearn.examples.postgres.SiteTable;
import io.fedlearn.models.table.Label;
import io.fedlearn.models.table.TableSchema;

/** The columns of the UCI credit-default file: a customer's limit, person, half a year of payments, and whether the next one failed. */
final class CreditTable {
    /** The file's column that says whether a customer defaulted. */
    static final String LABEL = "default.payment.next.month";

    static final TableSchema SCHEMA = TableSchema.builder()
            .numeric("LIMIT_BAL")
            .category("SEX", "1", "2")
            .category("EDUCATION", "0", "1", "2", "3", "4", "5", "6")
            .category("MARRIAGE", "0", "1", "2", "3")
            .numeric("AGE")
            .numeric("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
            .numeric("BILL_AMT1", "BILL_AMT2", "BILL_AMT3", "BILL_AMT4", "BILL_AMT5", "BILL_AMT6")
            .numeric("PAY_AMT1", "PAY_AMT2", "PAY_AMT3", "PAY_AMT4", "PAY_AMT5", "PAY_AMT6")
            .label(Label.classes(LABEL, "0", "1"))
            .build();

    /** The customers in a bank's database. */
    static final SiteTable CUSTOMERS = new SiteTable("customers", "customer", SCHEMA, "defaulted");

    private CreditTable() {}
}
