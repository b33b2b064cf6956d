/** Time that a test moves: {@link io.fedlearn.testkit.clock.ManualClock}. */
package io.fedlearn.testkit.clock;
