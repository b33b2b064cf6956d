package io.fedlearn.luna16.image;

import java.nio.file.Path;
import java.util.Locale;

/** {@link MetaImage} as one reader among others. */
final class MetaImageVolumes implements VolumeReader {
    @Override
    public String name() {
        return "MetaImage";
    }

    @Override
    public String formats() {
        return ".mhd, .mha";
    }

    /** By name alone: a header is text whose keys may come in any order. */
    @Override
    public boolean accepts(Path path) {
        String name = String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT);
        return name.endsWith(".mhd") || name.endsWith(".mha");
    }

    @Override
    public Volume read(Path path) {
        return MetaImage.read(path);
    }
}
