/**
 * Small models in plain Java, each a ready {@link io.fedlearn.core.training.LocalModel}: linear, logistic and softmax
 * regression and a multilayer perceptron. The entry points are their static factories;
 * {@link io.fedlearn.models.DenseModel} says what they have in common.
 */
package io.fedlearn.models;
