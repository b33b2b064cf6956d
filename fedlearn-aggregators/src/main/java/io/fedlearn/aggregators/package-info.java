/**
 * The published methods of federated training as compositions of core's parts: one small class per method, whose page holds its
 * equation, defaults and reference. The entry point is {@link io.fedlearn.aggregators.FedAvg}, beside its siblings.
 */
package io.fedlearn.aggregators;
