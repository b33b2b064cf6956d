package io.fedlearn.luna16.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

final class SimpleItkContractTest extends VolumeReaderContract {
    @TempDir
    private static Path stock;

    private static SimpleItk reader = SimpleItk.of(Path.of(""));

    @BeforeAll
    static void makeTheJar() throws IOException {
        reader = SimpleItk.of(StandInSimpleItk.jar(stock));
    }

    @Override
    VolumeReader reader() {
        return reader;
    }

    @Override
    Path write(Path target, Volume volume) throws IOException {
        ImageGeometry geometry = volume.geometry();
        GridSize size = geometry.size();
        Point x = geometry.xAxis();
        Point y = geometry.yAxis();
        Point z = geometry.zAxis();
        List<String> lines = List.of(
                "1",
                "sitkInt16",
                size.x() + " " + size.y() + " " + size.z(),
                text(geometry.spacing()),
                text(geometry.origin()),
                text(new Point(x.x(), y.x(), z.x())) + " " + text(new Point(x.y(), y.y(), z.y())) + " "
                        + text(new Point(x.z(), y.z(), z.z())),
                IntStream.range(0, volume.values().length)
                        .mapToObj(i -> Short.toString(volume.values()[i]))
                        .collect(Collectors.joining(" ")));
        return Files.write(target.resolve("scan.nrrd"), lines);
    }

    private static String text(Point point) {
        return point.x() + " " + point.y() + " " + point.z();
    }
}
