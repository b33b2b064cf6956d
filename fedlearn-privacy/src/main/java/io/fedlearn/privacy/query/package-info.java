/**
 * Private queries: counts, sums, means, variances, histograms and quantiles that protect each person, over any
 * {@link io.fedlearn.privacy.query.QuerySource}. Start at {@link io.fedlearn.privacy.query.PrivateQueries}.
 */
@Experimental
package io.fedlearn.privacy.query;

import io.fedlearn.core.Experimental;
