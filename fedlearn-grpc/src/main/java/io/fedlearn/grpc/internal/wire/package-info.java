/** What tasks, updates and models are on the wire, and back. */
@org.jspecify.annotations.NullMarked
package io.fedlearn.grpc.internal.wire;
