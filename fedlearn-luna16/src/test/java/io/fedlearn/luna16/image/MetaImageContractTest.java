package io.fedlearn.luna16.image;

import java.io.IOException;
import java.nio.file.Path;

final class MetaImageContractTest extends VolumeReaderContract {
    @Override
    VolumeReader reader() {
        return new MetaImageVolumes();
    }

    @Override
    Path write(Path target, Volume volume) throws IOException {
        Path file = target.resolve("scan.mhd");
        MetaImage.write(file, volume, MetaImage.Compression.NONE);
        return file;
    }
}
