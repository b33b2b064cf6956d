package io.fedlearn.examples.doctor;

import io.fedlearn.examples.doctor.Check.Area;
import io.fedlearn.luna16.image.VolumeReader;
import io.fedlearn.luna16.image.VolumeReaders;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Which formats of scans can be read. */
final class ReaderChecks {
    private static final String DICOM = "DICOM";

    private ReaderChecks() {}

    static List<Check> of(VolumeReaders readers) {
        List<Check> checks = new ArrayList<>();
        boolean dicom = false;
        for (VolumeReader reader : readers.readers()) {
            Optional<String> missing = reader.missing();
            checks.add(missing.map(
                            lack -> Check.absent(Area.READERS, reader.name(), "would read " + reader.formats(), lack))
                    .orElseGet(() -> Check.ok(Area.READERS, reader.name(), reader.formats())));
            dicom |= missing.isEmpty() && reader.formats().contains(DICOM);
        }
        for (String failure : readers.failures()) {
            checks.add(Check.warning(
                    Area.READERS,
                    "a plug-in",
                    failure,
                    "mend or remove its entry in META-INF/services; docs/luna16-readers.md has an example"));
        }
        if (!dicom) {
            checks.add(Check.absent(
                    Area.READERS,
                    DICOM,
                    "no reader takes a DICOM series",
                    "add SimpleITK or a plug-in of your own, or convert the series to .mhd or .nii;"
                            + " docs/luna16-readers.md says how"));
        }
        return checks;
    }
}
