/**
 * The code that the guide in {@code docs} shows, by tag, and the test that it is the same there.
 */
package io.fedlearn.examples.docs;
