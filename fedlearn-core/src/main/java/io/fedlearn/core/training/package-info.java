/**
 * Local training: whatever {@link io.fedlearn.core.training.LocalModel} and whatever
 * {@link io.fedlearn.core.training.ExampleSource} joined into a client by
 * {@link io.fedlearn.core.training.LocalTrainingClient}.
 */
package io.fedlearn.core.training;
