/**
 * What a client is asked and what it answers. The entry points are {@link io.fedlearn.core.task.Task} and
 * {@link io.fedlearn.core.task.ClientUpdate}.
 */
package io.fedlearn.core.task;
