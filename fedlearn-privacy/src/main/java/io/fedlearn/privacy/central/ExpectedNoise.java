package io.fedlearn.privacy.central;

import java.util.Locale;
import java.util.Optional;

/**
 * How much noise a round's mean will hold, known before anything is trained.
 *
 * @param deviation standard deviation of the noise on each coordinate of the mean, in units of a weight
 * @param norm of the noise on all coordinates together, {@code sqrt(p)} times that for {@code p} of them
 * @param ratio of that norm to the largest that the mean of clipped deltas can have, the clipping norm
 */
public record ExpectedNoise(double deviation, double norm, double ratio) {
    /** What to tell a person if the noise is longer than the signal can be; empty if it is not. */
    public Optional<String> warning() {
        return ratio <= 1
                ? Optional.empty()
                : Optional.of(String.format(
                        Locale.ROOT,
                        "the noise on a round's mean is expected to be %.3g times as long as the mean itself can be:"
                                + " with so few clients protect the person, by private training at the site, or take"
                                + " larger cohorts",
                        ratio));
    }
}
