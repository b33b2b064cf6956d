package io.fedlearn.luna16.patch;

import java.nio.file.Path;

/**
 * A scan that patches could not be cut out of.
 *
 * @param seriesUid the scan's name
 * @param header its {@code .mhd} file
 * @param cause why: what reading it threw, or that a candidate lies outside of it
 */
public record ScanFailure(String seriesUid, Path header, Exception cause) {
    /** What a person should read: the scan and the reason. */
    public String message() {
        String reason = String.valueOf(cause.getMessage());
        return "scan " + seriesUid + ": " + (reason.contains(header.toString()) ? reason : header + ": " + reason);
    }
}
