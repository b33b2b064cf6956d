/** CT volumes, where their voxels lie in the patient, and which values are looked at; reads and writes MetaImage files. */
@org.jspecify.annotations.NullMarked
package io.fedlearn.luna16.image;
