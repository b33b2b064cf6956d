package io.fedlearn.luna16.detect;

import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.lung.LungMask;
import io.fedlearn.luna16.resample.Workers;
import java.util.List;

/**
 * Says where in a CT a network should look for nodules. Implementations are immutable and thread-safe.
 *
 * <p>Rules for implementers: (1) all places lie in the scan; (2) the same scan and mask give the same places in the same order,
 * whatever the workers; (3) lungs in which there is nothing to look at give an empty list.
 */
@FunctionalInterface
public interface CandidateFinder {
    /**
     * The places to look at.
     *
     * @param lungs of the scan
     * @param workers who does the work
     * @return millimetres of the patient
     */
    List<Point> find(Volume scan, LungMask lungs, Workers workers);
}
