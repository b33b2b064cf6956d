package io.fedlearn.luna16.patch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.luna16.image.HuWindow;
import org.junit.jupiter.api.Test;

class PatchSettingsTest {
    @Test
    void saysAllSettingsInOneText() {
        assertThat(PatchSettings.defaults())
                .hasToString("shape=32x48x48,spacing=1.25x0.7x0.7,window=-1000..400,margin=3");
        assertThat(PatchSettings.defaults()
                        .withShape(new PatchShape(16, 24, 24))
                        .withNativeSpacing()
                        .withWindow(new HuWindow(-1200, 600))
                        .withMargin(0))
                .hasToString("shape=16x24x24,spacing=native,window=-1200..600,margin=0");
    }

    @Test
    void equalsSettingsOfTheSameValues() {
        PatchSettings settings = PatchSettings.defaults().withMargin(5).withSpacing(1, 1, 1);
        assertThat(settings)
                .isEqualTo(PatchSettings.defaults().withSpacing(1, 1, 1).withMargin(5))
                .hasSameHashCodeAs(PatchSettings.defaults().withSpacing(1, 1, 1).withMargin(5))
                .isNotEqualTo(PatchSettings.defaults());
        assertThat(settings.boxShape()).isEqualTo(new PatchShape(42, 58, 58));
    }

    @Test
    void refusesWhatIsOutOfRange() {
        assertThatThrownBy(() -> PatchSettings.defaults().withMargin(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("margin must be in [0, 64] voxels, was -1");
        assertThatThrownBy(() -> PatchSettings.defaults().withSpacing(1, Double.NaN, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("spacing must be in (0, 100.0] mm");
        assertThatThrownBy(() -> new HuWindow(400, 400))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("was 400 to 400");
        assertThatThrownBy(() -> new HuWindow(-40000, 400)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void showsTheWindowAsZeroToOne() {
        HuWindow window = HuWindow.LUNG;
        assertThat(window.share(-1000)).isZero();
        assertThat(window.share(-2000)).isZero();
        assertThat(window.share(-300)).isEqualTo(0.5f);
        assertThat(window.share(400)).isEqualTo(1);
        assertThat(window.share(3000)).isEqualTo(1);
        assertThat(window.feature(-1000)).isEqualTo(-1);
        assertThat(window.feature(-650)).isZero();
        assertThat(window.feature(3000)).isEqualTo(3);
    }
}
