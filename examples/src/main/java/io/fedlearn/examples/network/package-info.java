/**
 * Training between processes and machines: {@code fedlearn server}, which knows no model, and {@code fedlearn client}, which
 * trains a small one on a CSV.
 */
package io.fedlearn.examples.network;
