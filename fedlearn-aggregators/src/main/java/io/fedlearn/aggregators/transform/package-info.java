/**
 * Transforms of single updates that a strategy puts at the server, or has its clients apply. The entry point is
 * {@link io.fedlearn.aggregators.transform.NormClipping} and its siblings.
 */
package io.fedlearn.aggregators.transform;
