package io.fedlearn.pg.query;

/** With numbers of any size, and persons and categories of fewer characters. */
final class PgQuerySourceOtherTypesContractIT extends PgQuerySourceTrials {
    PgQuerySourceOtherTypesContractIT() {
        super("varchar(20)", "numeric", "char(5)");
    }
}
