/** PostgreSQL for commands: {@link io.fedlearn.examples.postgres.JdbcOptions} and {@link io.fedlearn.examples.postgres.LocalPostgres}. */
package io.fedlearn.examples.postgres;
