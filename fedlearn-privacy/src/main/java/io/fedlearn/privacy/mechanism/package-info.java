/**
 * Mechanisms of differential privacy for numbers, vectors and models. Each is made by a builder that takes sensitivity, norm and
 * neighbouring relation, draws its noise exactly and on a grid from cryptographic bits, and gives the
 * {@link io.fedlearn.privacy.accounting.PrivacyEvent} that accounts for one release. A mechanism does not debit a budget: whoever
 * releases does so first.
 */
@Experimental
package io.fedlearn.privacy.mechanism;

import io.fedlearn.core.Experimental;
