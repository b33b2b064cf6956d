/**
 * What noisy releases cost: {@link io.fedlearn.privacy.accounting.PrivacyEvent} describes them, a
 * {@link io.fedlearn.privacy.accounting.PrivacyAccountant} adds them up.
 */
@Experimental
package io.fedlearn.privacy.accounting;

import io.fedlearn.core.Experimental;
