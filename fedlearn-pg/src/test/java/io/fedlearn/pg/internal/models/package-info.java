/** Tests of models in the database. */
@NullMarked
package io.fedlearn.pg.internal.models;

import org.jspecify.annotations.NullMarked;
