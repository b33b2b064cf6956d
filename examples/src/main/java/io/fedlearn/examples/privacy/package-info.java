/** {@code fedlearn dp}: what a planned federation costs in privacy, and how much noise a target needs. */
package io.fedlearn.examples.privacy;
