/** Runnable main programs behind one launcher, {@code ./fedlearn}. */
package io.fedlearn.examples;
