/** Where the lungs are in a CT. */
@org.jspecify.annotations.NullMarked
package io.fedlearn.luna16.lung;
