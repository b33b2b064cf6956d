package io.fedlearn.examples.luna16;

import io.fedlearn.examples.certs.TrialAuthority;
import io.fedlearn.examples.run.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Certificates for the processes of one run on one machine. Their authority's key is gone when they are made: nobody can issue
 * further ones.
 *
 * @param authority its certificate
 * @param server the server's certificate and key
 * @param hospitals theirs, in their order
 */
record TrialCertificates(Path authority, TrialAuthority.Issued server, List<TrialAuthority.Issued> hospitals) {
    private static final int AUTHORITY_DAYS = 400;
    private static final int CERTIFICATE_DAYS = 365;

    /**
     * Makes new ones, in a folder that only this user may read; those of an earlier process of the run are removed.
     *
     * @param hospitals whose ids are the common names of their certificates
     * @param host of the server
     */
    static TrialCertificates make(Path folder, List<String> hospitals, String host) {
        try {
            removeAll(folder);
            try {
                TrialAuthority authority =
                        TrialAuthority.create(folder, "fedlearn luna16 --distributed", AUTHORITY_DAYS);
                TrialAuthority.Issued server =
                        authority.issueServer(List.of(host), CERTIFICATE_DAYS, folder.resolve("server"));
                List<TrialAuthority.Issued> issued = new ArrayList<>();
                for (int i = 0; i < hospitals.size(); i++) {
                    issued.add(authority.issueClient(
                            hospitals.get(i), CERTIFICATE_DAYS, folder.resolve("hospital-" + (i + 1))));
                }
                return new TrialCertificates(authority.certificateFile(), server, List.copyOf(issued));
            } finally {
                // Also when something fails between: who has it can be any hospital.
                Files.deleteIfExists(folder.resolve("ca-key.pem"));
            }
        } catch (IOException e) {
            throw InputException.of("certificates cannot be made in " + folder, e);
        }
    }

    private static void removeAll(Path folder) throws IOException {
        List<Path> old;
        try (Stream<Path> files = Files.walk(folder)) {
            old = files.sorted(Comparator.reverseOrder()).toList();
        } catch (NoSuchFileException e) {
            return;
        }
        for (Path file : old) {
            Files.delete(file);
        }
    }
}
