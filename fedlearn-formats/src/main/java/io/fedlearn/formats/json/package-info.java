/** JSON with one spelling for each value, so that it can be hashed: {@link io.fedlearn.formats.json.CanonicalJson}. */
package io.fedlearn.formats.json;
