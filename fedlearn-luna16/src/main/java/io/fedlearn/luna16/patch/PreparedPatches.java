package io.fedlearn.luna16.patch;

import java.util.List;

/**
 * What came of preparing patches. Whether to go on without the scans that failed is for the caller to say.
 *
 * @param patches of all scans that did not fail
 * @param failures in the order of the scans; empty if all is well
 * @param builtScans how many scans were read and cut
 * @param reusedScans how many were in the cache
 * @param repairedScans how many of those built were in the cache, but damaged
 * @param omittedNegatives how many candidates the selection left out, scans that failed not counted
 */
public record PreparedPatches(
        PatchSet patches,
        List<ScanFailure> failures,
        int builtScans,
        int reusedScans,
        int repairedScans,
        long omittedNegatives) {
    /** Copies the list. */
    public PreparedPatches {
        failures = List.copyOf(failures);
    }
}
