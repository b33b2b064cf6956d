/**
 * Bytes in and out, shared by the formats and not part of the API: {@link io.fedlearn.formats.internal.ValueInput}
 * reads tensors from streams that may lie about their length, {@link io.fedlearn.formats.internal.MappedFile} leaves
 * them in the file, {@link io.fedlearn.formats.internal.FileReplacement} writes a file aside first.
 */
package io.fedlearn.formats.internal;
