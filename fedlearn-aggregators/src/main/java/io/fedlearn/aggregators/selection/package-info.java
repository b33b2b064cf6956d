/**
 * Published ways to choose a round's cohort, beside {@link io.fedlearn.core.strategy.ClientSelector#all()} and
 * {@link io.fedlearn.core.strategy.ClientSelector#uniform}. {@code strategy.withSelector(RoundRobin.choosing(10))} puts
 * one to use; {@link io.fedlearn.core.federation.RoundPolicy#withCloseAfter} makes any of them over-select.
 */
package io.fedlearn.aggregators.selection;
