/**
 * The safetensors format: models in files that other tools read, and other tools' models. The entry point is
 * {@link io.fedlearn.formats.safetensors.Safetensors}.
 */
package io.fedlearn.formats.safetensors;
