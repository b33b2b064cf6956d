/** The root of the core module: the base of its exceptions and the library's version. */
package io.fedlearn.core;
