/**
 * What training and evaluation measure, and how the measurements of many sites become one. The entry point is
 * {@link io.fedlearn.core.metric.Metrics}.
 */
package io.fedlearn.core.metric;
