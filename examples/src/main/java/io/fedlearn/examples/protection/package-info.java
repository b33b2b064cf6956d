/** Private training in the examples: what is protected, by how much noise, and what a report says of it. */
package io.fedlearn.examples.protection;
