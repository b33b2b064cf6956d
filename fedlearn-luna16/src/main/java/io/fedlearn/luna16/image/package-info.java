/** CT volumes and where their voxels lie in the patient; reads scans of several formats and writes MetaImage files. */
@org.jspecify.annotations.NullMarked
package io.fedlearn.luna16.image;
