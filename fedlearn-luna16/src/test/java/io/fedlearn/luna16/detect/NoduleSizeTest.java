package io.fedlearn.luna16.detect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class NoduleSizeTest {
    private static final Point PLACE = new Point(-40, 2, 3);

    @ParameterizedTest
    @ValueSource(doubles = {5, 9, 14, 24})
    void measuresBalls(double diameter) {
        Volume scan = new RoundLungs().ball(PLACE, diameter).volume();

        assertThat(new NoduleSize(scan).at(PLACE).orElseThrow()).isCloseTo(diameter, within(0.8));
    }

    @Test
    void measuresABallThatIsNotHitInTheMiddle() {
        Volume scan = new RoundLungs().ball(PLACE, 12).volume();

        assertThat(new NoduleSize(scan)
                        .at(new Point(PLACE.x() + 2, PLACE.y(), PLACE.z() - 1))
                        .orElseThrow())
                .isCloseTo(12, within(2.0));
    }

    @Test
    void passesOverAVesselThatABallHangsAt() {
        Volume scan = new RoundLungs().ball(PLACE, 12).tube(PLACE, 4).volume();

        assertThat(new NoduleSize(scan).at(PLACE).orElseThrow()).isCloseTo(12, within(1.0));
    }

    @Test
    void saysNothingOfLungAndOfFleshAllAround() {
        NoduleSize size = new NoduleSize(new RoundLungs().volume());

        assertThat(size.at(PLACE)).isEmpty();
        assertThat(size.at(new Point(0, 35, 0))).isEmpty();
    }
}
