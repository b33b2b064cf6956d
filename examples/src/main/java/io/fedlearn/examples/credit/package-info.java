/** {@code fedlearn credit}: banks with databases of their own train a risk model, and account for it. */
package io.fedlearn.examples.credit;
