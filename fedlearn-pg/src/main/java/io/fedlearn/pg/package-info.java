/**
 * FedLearn on PostgreSQL. {@link io.fedlearn.pg.schema.PgSchema} makes and checks the schema that the stores live in; the packages beside this
 * one hold the stores ({@code run}, {@code registry}, {@code audit}, {@code budget}), training data ({@code data}) and private queries
 * ({@code query}).
 */
@NullMarked
package io.fedlearn.pg;

import org.jspecify.annotations.NullMarked;
