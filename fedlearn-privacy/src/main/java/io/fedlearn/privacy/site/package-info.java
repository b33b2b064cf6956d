/**
 * Privacy that a site gives itself, whatever the coordinator does: {@link io.fedlearn.privacy.site.DpSgdClient} protects single
 * persons while it trains, {@link io.fedlearn.privacy.site.LocallyPrivateClient} protects the site as a whole,
 * and {@link io.fedlearn.privacy.site.NoiseShares} has each site add its share of the noise on a sum.
 */
@Experimental
package io.fedlearn.privacy.site;

import io.fedlearn.core.Experimental;
