package io.fedlearn.examples.heart;

import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.examples.report.Figures;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.run.FileDigest;
import io.fedlearn.examples.run.InputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the hospitals have.
 *
 * @param hospitals in the order of their names
 * @param digest of their files or tables together
 */
record HeartData(List<Hospital> hospitals, String digest) {
    /** The hospitals' names, in order. */
    static final List<String> NAMES = List.of("cleveland", "hungarian", "switzerland", "va");

    /**
     * Reads the files of all hospitals.
     *
     * @param seed where the division into training and test starts
     * @throws InputException if there is no such folder, or no hospital has a patient
     */
    static HeartData read(Path directory, long seed) {
        if (!Files.isDirectory(directory)) {
            throw new InputException("--data " + directory + " is not a folder");
        }
        List<Hospital> hospitals = new ArrayList<>();
        List<Path> files = new ArrayList<>();
        for (String name : NAMES) {
            Path file = file(directory, name);
            hospitals.add(Hospital.of(name, Hospital.patients(file), seed));
            files.add(file);
        }
        return of(hospitals, directory.toString(), FileDigest.of(files));
    }

    /**
     * What these hospitals have.
     *
     * @param place where it was read, for people
     * @throws InputException if no hospital has a patient
     */
    static HeartData of(List<Hospital> hospitals, String place, String digest) {
        if (hospitals.stream().allMatch(Hospital::isEmpty)) {
            throw new InputException("no hospital in " + place + " has a row");
        }
        return new HeartData(List.copyOf(hospitals), digest);
    }

    /** The file of a hospital. */
    static Path file(Path directory, String hospital) {
        return directory.resolve("heart_processed." + hospital + ".data");
    }

    /** The hospitals that have somebody to learn from. */
    List<Hospital> present() {
        return hospitals.stream().filter(hospital -> !hospital.isEmpty()).toList();
    }

    /** The test patients of each hospital. */
    Map<String, InMemoryExamples> tests() {
        Map<String, InMemoryExamples> tests = new LinkedHashMap<>();
        hospitals.forEach(hospital -> tests.put(hospital.name(), hospital.test()));
        return tests;
    }

    /** What is remarkable about the data, for people. */
    List<String> remarks() {
        List<String> remarks = new ArrayList<>();
        for (Hospital hospital : hospitals) {
            if (hospital.isEmpty()) {
                remarks.add(hospital.name() + " has no rows: it declines to train and to test.");
            } else if (hospital.hasOneClass()) {
                remarks.add(
                        hospital.name() + " has patients of one class only: it trains on, and its AUC is undefined.");
            }
        }
        return remarks;
    }

    /** Rows, labels and missing values of each hospital. */
    Grid grid() {
        Grid grid = Grid.of("hospital", "rows", "training", "test", "ill", "share", "missing values");
        for (Hospital hospital : hospitals) {
            long fields = hospital.rows() * HeartTable.SCHEMA.columns().size();
            grid = grid.with(
                    hospital.name(),
                    Long.toString(hospital.rows()),
                    Long.toString(hospital.training().exampleCount()),
                    Long.toString(hospital.test().exampleCount()),
                    Long.toString(hospital.positives()),
                    Figures.percent(hospital.positives(), hospital.rows()),
                    hospital.missingCount() + " (" + Figures.percent(hospital.missingCount(), fields) + ")");
        }
        return grid;
    }
}
