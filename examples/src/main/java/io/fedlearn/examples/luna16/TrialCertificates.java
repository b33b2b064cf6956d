package io.fedlearn.examples.luna16;

import io.fedlearn.examples.certs.TrialAuthority;
import io.fedlearn.examples.run.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A certificate authority of one run, with certificates for the server and for each hospital.
 *
 * @param authority the authority's certificate
 * @param server the server's certificate and key
 * @param hospitals those of the hospitals, in their order
 */
record TrialCertificates(Path authority, TrialAuthority.Issued server, List<TrialAuthority.Issued> hospitals) {
    /** Makes new ones, which last for a year; those of an earlier process of the run are replaced. */
    static TrialCertificates make(Path folder, List<String> hospitals, String host) {
        if (Files.exists(folder.resolve("ca.pem"))) {
            delete(folder);
        }
        int days = TrialAuthority.CERTIFICATE_DAYS;
        // A day longer than what it issues.
        TrialAuthority authority = TrialAuthority.create(folder, "FedLearn on one machine", days + 1);
        return new TrialCertificates(
                authority.certificateFile(),
                authority.issueServer(List.of(host), days, folder),
                hospitals.stream()
                        .map(hospital -> authority.issueClient(hospital, days, folder.resolve("hospitals")))
                        .toList());
    }

    /** The server's certificate. */
    Path serverCertificate() {
        return server.certificateFile();
    }

    /** The key of the server's certificate. */
    Path serverKey() {
        return server.keyFile();
    }

    /** A hospital's certificate, counted from 1. */
    Path certificate(int number) {
        return hospitals.get(number - 1).certificateFile();
    }

    /** The key of a hospital's certificate. */
    Path key(int number) {
        return hospitals.get(number - 1).keyFile();
    }

    private static void delete(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw InputException.of("cannot remove the certificates of an earlier process in " + folder, e);
        }
    }
}
