package io.fedlearn.examples.luna16;

import io.fedlearn.luna16.patch.PatchShape;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code 32x48x48}: voxels along z, y and x. */
final class Extent implements ITypeConverter<PatchShape> {
    private static final Pattern TEXT = Pattern.compile("([0-9]{1,5})x([0-9]{1,5})x([0-9]{1,5})");

    @Override
    public PatchShape convert(String text) {
        Matcher parts = TEXT.matcher(text);
        if (!parts.matches()) {
            throw new TypeConversionException(
                    "a patch is given as voxels along z, y and x, such as 32x48x48, was '" + text + "'");
        }
        try {
            return new PatchShape(
                    Integer.parseInt(parts.group(1)),
                    Integer.parseInt(parts.group(2)),
                    Integer.parseInt(parts.group(3)));
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
