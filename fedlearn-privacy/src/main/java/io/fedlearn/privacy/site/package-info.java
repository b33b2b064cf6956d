/**
 * Privacy that a site gives itself, whatever the coordinator does: {@link io.fedlearn.privacy.site.DpSgdClient} protects single
 * persons while it trains.
 */
@Experimental
package io.fedlearn.privacy.site;

import io.fedlearn.core.Experimental;
