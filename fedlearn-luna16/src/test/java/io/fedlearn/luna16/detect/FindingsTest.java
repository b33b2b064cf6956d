package io.fedlearn.luna16.detect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.formats.json.CanonicalJson;
import io.fedlearn.luna16.dataset.Mark;
import io.fedlearn.luna16.dataset.Submission;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FindingsTest {
    private static final Point PLACE = new Point(-40, 0, 12);
    private static final Detection SURE = new Detection(PLACE, 0.75, OptionalDouble.of(6.5), 2);
    private static final Detection UNSURE = new Detection(new Point(40, 2.5, 0), 0.25, OptionalDouble.empty(), 1);

    @TempDir
    private Path folder;

    private static Findings findings(Detection... detections) {
        return Findings.of("1.2.3", RoundLungs.GEOMETRY, List.of(detections)).withSettings(Map.of("flips", "true"));
    }

    private static Volume scan() {
        return new RoundLungs().ball(PLACE, 6.5).volume();
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void areTheChallengesMarks() {
        assertThat(findings(SURE, UNSURE).submission())
                .isEqualTo(Submission.of(
                        Map.of("1.2.3", List.of(new Mark(PLACE, 0.75), new Mark(UNSURE.center(), 0.25)))));
        assertThat(findings().submission().size()).isZero();
    }

    @Test
    void areOneJsonObjectOfTheseBytes() {
        assertThat(new String(findings(SURE, UNSURE).json(), StandardCharsets.UTF_8))
                .isEqualTo("{\"findings\":["
                        + "{\"candidates\":2,\"center\":[-40,0,12],\"diameterMillimetres\":6.5,\"probability\":0.75,"
                        + "\"rank\":1,\"voxel\":[32,32,41.6]},"
                        + "{\"candidates\":1,\"center\":[40,2.5,0],\"probability\":0.25,\"rank\":2,\"voxel\":[96,34,32]}],"
                        + "\"notice\":\"" + Findings.NOTICE + "\",\"scan\":{\"size\":[128,64,64],"
                        + "\"spacing\":[1.25,1.25,1.25]},\"seriesUid\":\"1.2.3\",\"settings\":{\"flips\":\"true\"},"
                        + "\"version\":1}");
    }

    @Test
    void areWrittenWithPicturesOfTheMostProbableOnes() throws IOException {
        findings(SURE, UNSURE).write(folder, scan(), 1);

        assertThat(files()).containsExactly("finding-001.png", Findings.JSON, Findings.SUBMISSION);
        assertThat(Submission.read(folder.resolve(Findings.SUBMISSION)))
                .isEqualTo(findings(SURE, UNSURE).submission());
        assertThat(CanonicalJson.parse(Files.readAllBytes(folder.resolve(Findings.JSON)), "json")
                        .toString())
                .contains("picture=finding-001.png")
                .doesNotContain("finding-002");
    }

    @Test
    void leaveNoPictureOfAnEarlierDetection() throws IOException {
        findings(SURE, UNSURE).write(folder, scan(), 5);
        assertThat(files()).contains("finding-002.png");

        findings().write(folder, scan(), 5);

        assertThat(files()).containsExactly(Findings.JSON, Findings.SUBMISSION);
    }

    @Test
    void haveAPictureThatShowsTheNoduleInThreePlanes() throws IOException {
        FindingPicture picture = FindingPicture.of(scan());
        BufferedImage image = ImageIO.read(new ByteArrayInputStream(picture.png(1, SURE)));

        int plane = FindingPicture.FIELD * 4;
        assertThat(image.getWidth()).isGreaterThan(3 * plane);
        int middle = (image.getWidth() - 3 * plane) / 4;
        int y = image.getHeight() / 2;
        for (int i = 0; i < 3; i++) {
            int left = middle + i * (plane + middle);
            assertThat(isBright(image, left + plane / 2, image.getHeight() - plane / 2 - 32))
                    .isTrue();
            assertThat(isBright(image, left + plane / 2 + 24, y)).isFalse();
        }
        assertThat(picture.png(1, SURE)).isEqualTo(picture.png(1, SURE)).isNotEqualTo(picture.png(2, SURE));
    }

    private static boolean isBright(BufferedImage image, int x, int y) {
        return (image.getRGB(x, y) & 0xff) > 128;
    }

    @Test
    void refuseANameThatIsBlankAndNumbersThatAreNone() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Findings.of(" ", RoundLungs.GEOMETRY, List.of()))
                .withMessage("seriesUid must not be blank, was ' '");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Detection(PLACE, 1.5, OptionalDouble.empty(), 1))
                .withMessage("probability must be in [0, 1], was 1.5");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Detection(PLACE, 0.5, OptionalDouble.of(0), 1))
                .withMessage("diameterMillimetres must be > 0 and finite, was 0.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Detection(PLACE, 0.5, OptionalDouble.empty(), 0))
                .withMessage("candidates must be >= 1, were 0");
    }
}
