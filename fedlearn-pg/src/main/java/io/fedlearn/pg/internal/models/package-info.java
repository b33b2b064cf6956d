/** Models in the database, by their digest. Not API. */
@NullMarked
package io.fedlearn.pg.internal.models;

import org.jspecify.annotations.NullMarked;
