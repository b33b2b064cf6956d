/**
 * Models by name and version: which is in production, where each comes from, and how two of them differ.
 * {@link io.fedlearn.pg.registry.PgModelRegistry} is where to begin.
 */
@NullMarked
package io.fedlearn.pg.registry;

import org.jspecify.annotations.NullMarked;
