/** {@code fedlearn froc}: the LUNA16 challenge's score of a submission. */
package io.fedlearn.examples.froc;
