/**
 * Rules that bear some bad clients: a faulty or hostile minority cannot move the global model where it likes. Each
 * method's page says how many of {@code n} it bears, and a round with too few updates for that is aborted. The entry
 * points are {@link io.fedlearn.aggregators.robust.CoordinateMedian} and its siblings; each makes a strategy, or its
 * aggregator alone to go with other parts.
 */
package io.fedlearn.aggregators.robust;
