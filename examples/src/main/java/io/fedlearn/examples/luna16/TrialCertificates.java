package io.fedlearn.examples.luna16;

import java.nio.file.Path;
import java.util.List;

/**
 * A certificate authority of one run, with certificates for the server and for each hospital.
 *
 * @param folder that only this user may read
 */
record TrialCertificates(Path folder) {
    /** Makes new ones, which last for a year; those of an earlier process of the run are replaced. */
    static TrialCertificates make(Path folder, List<String> hospitals, String host) {
        throw new UnsupportedOperationException();
    }

    /** The authority's certificate. */
    Path authority() {
        return folder.resolve("ca.pem");
    }

    /** The server's certificate. */
    Path serverCertificate() {
        return folder.resolve("server.pem");
    }

    /** The key of the server's certificate. */
    Path serverKey() {
        return folder.resolve("server-key.pem");
    }

    /** A hospital's certificate. */
    Path certificate(int number) {
        return folder.resolve("hospital-" + number + ".pem");
    }

    /** The key of a hospital's certificate. */
    Path key(int number) {
        return folder.resolve("hospital-" + number + "-key.pem");
    }
}
