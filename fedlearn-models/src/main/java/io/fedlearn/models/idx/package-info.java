/**
 * Images with labels from idx files, the format of MNIST and its kin. The entry point is
 * {@link io.fedlearn.models.idx.IdxImages}.
 */
package io.fedlearn.models.idx;
