/** The published algorithms, each a small class over core's parts. */
package io.fedlearn.aggregators;
