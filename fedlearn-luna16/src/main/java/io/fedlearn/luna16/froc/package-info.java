/**
 * The challenge's scoring: how many nodules a system finds at how many false positives per scan. {@link
 * io.fedlearn.luna16.froc.Froc} is where it starts.
 */
@org.jspecify.annotations.NullMarked
package io.fedlearn.luna16.froc;
