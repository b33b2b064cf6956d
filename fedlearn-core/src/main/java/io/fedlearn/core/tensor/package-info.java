/**
 * Tensors and models: what travels between sites. The entry point is {@link io.fedlearn.core.tensor.Model}, an ordered
 * list of named, typed, role-tagged {@link io.fedlearn.core.tensor.Tensor}s.
 */
package io.fedlearn.core.tensor;
