/** Networks of DL4J as local models, and so as clients. */
@org.jspecify.annotations.NullMarked
package io.fedlearn.dl4j;
