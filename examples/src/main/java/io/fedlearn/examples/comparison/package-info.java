/** A model beside those that come of training without others, and of pooling all data. */
package io.fedlearn.examples.comparison;
