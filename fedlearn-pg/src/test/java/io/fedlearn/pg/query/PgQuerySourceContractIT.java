package io.fedlearn.pg.query;

/** With the types that values have in memory. */
final class PgQuerySourceContractIT extends PgQuerySourceTrials {
    PgQuerySourceContractIT() {
        super("bigint", "double precision", "text");
    }
}
