/**
 * Contract suites: for each interface that is open to implementers an abstract JUnit class whose subclass supplies a factory
 * and inherits a test for every rule of the interface's Javadoc.
 *
 * <pre>{@code
 * class MedianTest extends AggregatorContract {
 *     protected Aggregator create() {
 *         return Median.create();
 *     }
 * }
 * }</pre>
 */
package io.fedlearn.testkit.contract;
