/** Tests of the registry of models. */
@NullMarked
package io.fedlearn.pg.registry;

import org.jspecify.annotations.NullMarked;
