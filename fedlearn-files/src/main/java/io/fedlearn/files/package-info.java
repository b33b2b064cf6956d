/** A run on disk: checkpoints, history, audit log. */
package io.fedlearn.files;
