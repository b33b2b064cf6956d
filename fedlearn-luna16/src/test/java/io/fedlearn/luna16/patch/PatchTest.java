package io.fedlearn.luna16.patch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.luna16.image.Volume;
import org.junit.jupiter.api.Test;

class PatchTest {
    private static Patch numbered(int depth, int height, int width) {
        PatchShape shape = new PatchShape(depth, height, width);
        short[] values = new short[shape.voxelCount()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (short) i;
        }
        return Patch.wrap(shape, values);
    }

    @Test
    void cutsOffAllAround() {
        Patch patch = numbered(5, 6, 7).centered(new PatchShape(3, 4, 5));
        assertThat(patch.get(0, 0, 0)).isEqualTo((short) ((1 * 6 + 1) * 7 + 1));
        assertThat(patch.get(2, 3, 4)).isEqualTo((short) ((3 * 6 + 4) * 7 + 5));
    }

    @Test
    void fillsUpWithAirAllAround() {
        Patch patch = numbered(2, 1, 3).centered(new PatchShape(4, 3, 5));
        assertThat(patch.get(0, 1, 1)).isEqualTo(Volume.AIR);
        assertThat(patch.get(1, 1, 0)).isEqualTo(Volume.AIR);
        assertThat(patch.get(1, 1, 1)).isZero();
        assertThat(patch.get(2, 1, 3)).isEqualTo((short) 5);
        assertThat(patch.get(2, 2, 3)).isEqualTo(Volume.AIR);
    }

    @Test
    void cutsOffAndFillsUpAtOnce() {
        Patch patch = numbered(6, 2, 3).centered(new PatchShape(2, 4, 3));
        assertThat(patch.get(0, 0, 0)).isEqualTo(Volume.AIR);
        assertThat(patch.get(0, 1, 0)).isEqualTo((short) 12);
        assertThat(patch.get(1, 2, 2)).isEqualTo((short) 23);
        assertThat(patch.get(1, 3, 2)).isEqualTo(Volume.AIR);
    }

    @Test
    void comesBackFromALargerShape() {
        Patch patch = numbered(3, 4, 5);
        for (int more = 1; more < 4; more++) {
            PatchShape larger = new PatchShape(3 + more, 4 + more, 5 + more);
            assertThat(patch.centered(larger).centered(patch.shape()).values()).isEqualTo(patch.values());
        }
    }

    @Test
    void refusesAnotherNumberOfValues() {
        assertThatThrownBy(() -> Patch.wrap(new PatchShape(2, 2, 2), new short[7]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a patch of 2x2x2 needs 8 values, got 7");
    }
}
