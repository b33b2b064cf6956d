/**
 * CSV files as training examples, by columns that are declared beforehand, so that every site makes the same features
 * of its own file. The entry point is {@link io.fedlearn.models.table.TableSchema}.
 */
package io.fedlearn.models.table;
