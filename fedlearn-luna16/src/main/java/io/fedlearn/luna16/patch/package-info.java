/** Boxes of voxels around candidates: cut out, cached, augmented, and read as training examples. */
@org.jspecify.annotations.NullMarked
package io.fedlearn.luna16.patch;
