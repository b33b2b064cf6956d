/**
 * Privacy that a site gives itself, whatever the coordinator does: {@link io.fedlearn.privacy.site.DpSgdClient} protects single
 * persons while it trains, {@link io.fedlearn.privacy.site.LocallyPrivateClient} protects the site as a whole.
 */
@Experimental
package io.fedlearn.privacy.site;

import io.fedlearn.core.Experimental;
