/**
 * Runtimes and listeners for tests: {@link io.fedlearn.testkit.runtime.ShuffledRuntime} and
 * {@link io.fedlearn.testkit.runtime.RecordingListener}.
 */
package io.fedlearn.testkit.runtime;
