/** Chest CTs that are made, not taken, for where no data is at hand. */
@org.jspecify.annotations.NullMarked
package io.fedlearn.luna16.phantom;
