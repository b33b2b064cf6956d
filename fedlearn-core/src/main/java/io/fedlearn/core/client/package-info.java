/** The site's side: what a hospital, bank or device implements. The entry point is {@link io.fedlearn.core.client.Client}. */
package io.fedlearn.core.client;
