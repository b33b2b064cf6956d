/**
 * All methods of this module by their names. The entry point is
 * {@link io.fedlearn.aggregators.catalogue.MethodCatalogue}.
 */
package io.fedlearn.aggregators.catalogue;
