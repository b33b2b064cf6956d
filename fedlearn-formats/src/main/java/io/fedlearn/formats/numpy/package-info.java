/**
 * NumPy's formats: {@link io.fedlearn.formats.numpy.Npy} for one array, {@link io.fedlearn.formats.numpy.Npz} for a
 * model as an archive of arrays. Pickled objects are never read.
 */
package io.fedlearn.formats.numpy;
