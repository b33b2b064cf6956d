/**
 * Transforms of single updates that a strategy puts at the server, or has its clients apply: clipping
 * ({@link io.fedlearn.aggregators.transform.NormClipping}) and what makes updates shorter on their way
 * ({@link io.fedlearn.aggregators.transform.Codec}).
 */
package io.fedlearn.aggregators.transform;
