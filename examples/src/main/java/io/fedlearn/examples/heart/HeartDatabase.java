package io.fedlearn.examples.heart;

import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.examples.postgres.Databases;
import io.fedlearn.examples.postgres.SiteTable;
import io.fedlearn.examples.run.FileDigest;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.pg.data.PgDataset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The hospitals' patients, each hospital's in a database of its own. */
final class HeartDatabase {
    private static final SiteTable PATIENTS = new SiteTable("patients", "patient", HeartTable.SCHEMA, "ill");

    private HeartDatabase() {}

    /**
     * Copies the hospitals' files into their databases, in place of what is there.
     *
     * @throws InputException if there is no such folder
     * @throws io.fedlearn.models.table.TableException if a file is not as declared; then no database was touched
     */
    static void load(Databases databases, Path directory) {
        List<InMemoryExamples> all = patients(directory);
        for (int i = 0; i < all.size(); i++) {
            PATIENTS.load(databases.site(HeartData.NAMES.get(i)), all.get(i));
        }
    }

    /**
     * The patients in the hospitals' files, in the order of their names.
     *
     * @throws InputException if there is no such folder
     * @throws io.fedlearn.models.table.TableException if a file is not as declared
     */
    static List<InMemoryExamples> patients(Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new InputException("--data " + directory + " is not a folder");
        }
        List<InMemoryExamples> all = new ArrayList<>();
        for (String name : HeartData.NAMES) {
            all.add(Hospital.patients(HeartData.file(directory, name)));
        }
        return all;
    }

    /**
     * Reads the hospitals' patients, as roles that may read them and nothing else.
     *
     * @param seed where the division into training and test starts
     */
    static HeartData read(Databases databases, long seed) throws InterruptedException {
        List<Hospital> hospitals = new ArrayList<>();
        List<String> digests = new ArrayList<>();
        for (String name : HeartData.NAMES) {
            try (PgDataset patients = PATIENTS.open(databases.site(name))) {
                hospitals.add(Hospital.of(name, Hospital.join(List.of(patients)), seed));
                digests.add(patients.snapshotDigest());
            }
        }
        return HeartData.of(hospitals, "the databases", FileDigest.ofDigests(digests));
    }
}
