/**
 * {@code fedlearn luna16} and its companions: hospitals train one network to tell lung nodules on CT from what only looks like
 * them.
 */
package io.fedlearn.examples.luna16;
