/** Threads that do the work of servers: the application's, and daemons of a server's own. */
@org.jspecify.annotations.NullMarked
package io.fedlearn.grpc.internal.threads;
