/** Simulated clients learn to read digits: {@link io.fedlearn.examples.mnist.MnistCommand}. */
package io.fedlearn.examples.mnist;
