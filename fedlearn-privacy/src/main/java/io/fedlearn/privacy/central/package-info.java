/**
 * Private training with a coordinator that is trusted with updates: it clips each, sums them, adds noise once, and what leaves it
 * hides any one client. Entry point: {@link io.fedlearn.privacy.central.CentralPrivacy}.
 */
@Experimental
package io.fedlearn.privacy.central;

import io.fedlearn.core.Experimental;
