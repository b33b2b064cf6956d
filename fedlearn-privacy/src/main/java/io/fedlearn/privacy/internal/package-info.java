/** Randomness and samplers of noise; not exported. */
package io.fedlearn.privacy.internal;
