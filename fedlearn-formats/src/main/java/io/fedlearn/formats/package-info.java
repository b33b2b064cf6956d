/** Tensors in files and on wires as others write them. */
package io.fedlearn.formats;
