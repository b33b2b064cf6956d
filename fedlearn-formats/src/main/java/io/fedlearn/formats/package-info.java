/**
 * What the formats have in common: the {@link io.fedlearn.formats.FormatException failure} of every reader, the
 * {@link io.fedlearn.formats.ReadLimits limits} that untrusted input meets, and the
 * {@link io.fedlearn.formats.DefaultRoles role} of a tensor whose file names none. The formats themselves start at
 * {@code Safetensors}, {@code Npy} and {@code Npz}.
 */
package io.fedlearn.formats;
