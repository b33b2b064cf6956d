/**
 * Training algorithms as compositions of parts: who is asked, how answers are combined, how the global model moves. The entry
 * point is {@link io.fedlearn.core.strategy.Strategy}.
 */
package io.fedlearn.core.strategy;
