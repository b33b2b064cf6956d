/** Small models in plain Java, each a ready client. */
package io.fedlearn.models;
