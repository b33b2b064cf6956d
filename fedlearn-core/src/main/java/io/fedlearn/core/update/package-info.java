/**
 * What happens to client updates between the client and the aggregator: checks at the border, transforms on both sides, and a
 * place on disk for those that wait. The entry points are {@link io.fedlearn.core.update.UpdateTransform} and
 * {@link io.fedlearn.core.update.UpdateCheck}.
 */
package io.fedlearn.core.update;
