/**
 * What carries tasks to clients and outcomes back: {@link io.fedlearn.core.runtime.Runtime}, and
 * {@link io.fedlearn.core.runtime.InProcessRuntime} for clients in this process.
 */
package io.fedlearn.core.runtime;
