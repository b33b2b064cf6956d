/**
 * The published methods of federated training as compositions of core's parts: one small class per method, whose page
 * holds its equation, defaults and reference. The entry points are {@link io.fedlearn.aggregators.FedAvg} and its
 * siblings, and {@link io.fedlearn.aggregators.catalogue.MethodCatalogue}, which finds one by its name.
 */
package io.fedlearn.aggregators;
