/** Models on their way: in chunks, resumable, each with a checksum, without a second copy on either side. */
@org.jspecify.annotations.NullMarked
package io.fedlearn.grpc.internal.transfer;
