/** The command that says what of all this works on this machine, and how to add what is missing. */
@org.jspecify.annotations.NullMarked
package io.fedlearn.examples.doctor;
