/** What the packages of this module share. Not API. */
@NullMarked
package io.fedlearn.pg.internal;

import org.jspecify.annotations.NullMarked;
