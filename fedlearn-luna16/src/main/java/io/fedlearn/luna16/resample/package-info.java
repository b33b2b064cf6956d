/** Interpolation between a scan's voxels: whole scans brought to another spacing, and what cuts patches out of them. */
@org.jspecify.annotations.NullMarked
package io.fedlearn.luna16.resample;
