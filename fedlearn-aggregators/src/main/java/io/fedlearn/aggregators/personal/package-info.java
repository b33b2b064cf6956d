/**
 * Models that are not the same at every site: tensors that stay at the site, {@link
 * io.fedlearn.aggregators.personal.LocalTensors}, and the methods that are made of them.
 */
package io.fedlearn.aggregators.personal;
