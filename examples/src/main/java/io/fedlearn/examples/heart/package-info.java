/** Four hospitals train one heart-disease classifier: {@link io.fedlearn.examples.heart.HeartCommand}. */
package io.fedlearn.examples.heart;
