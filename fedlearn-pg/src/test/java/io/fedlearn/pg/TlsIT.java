package io.fedlearn.pg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.fedlearn.pg.schema.PgSchema;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

/** A server whose certificate, for localhost alone, is its own authority, and what is asked of it. */
class TlsIT {
    private static final String PASSWORD = "of-tests";

    @TempDir
    private static Path folder;

    private static EmbeddedPostgres server;

    @BeforeAll
    static void start() throws Exception {
        certify("server");
        certify("other");
        server = EmbeddedPostgres.builder()
                .setPGStartupWait(Duration.ofMinutes(1))
                .setServerConfig("ssl", "on")
                .setServerConfig("ssl_cert_file", folder.resolve("server.crt").toString())
                .setServerConfig("ssl_key_file", folder.resolve("server.key").toString())
                .start();
    }

    @AfterAll
    static void stop() throws IOException {
        server.close();
    }

    private static void certify(String name) throws Exception {
        Path store = folder.resolve(name + ".p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        name,
                        "-dname",
                        "CN=" + name,
                        "-keyalg",
                        "EC",
                        "-ext",
                        "SAN=dns:localhost",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        store.toString(),
                        "-storepass",
                        PASSWORD)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(keytool.waitFor()).isZero();
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD.toCharArray());
        }
        write(name + ".crt", "CERTIFICATE", keys.getCertificate(name).getEncoded());
        write(
                name + ".key",
                "PRIVATE KEY",
                keys.getKey(name, PASSWORD.toCharArray()).getEncoded());
    }

    private static void write(String file, String type, byte[] content) throws IOException {
        Path path = folder.resolve(file);
        Files.writeString(
                path,
                "-----BEGIN " + type + "-----\n" + Base64.getMimeEncoder().encodeToString(content) + "\n-----END "
                        + type + "-----\n");
        // The server takes no key that others may read.
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    }

    private static PGSimpleDataSource database(String host, String mode, String authority) {
        PGSimpleDataSource database = new PGSimpleDataSource();
        database.setUrl("jdbc:postgresql://" + host + ":" + server.getPort() + "/postgres?user=postgres&sslmode=" + mode
                + "&sslrootcert=" + folder.resolve(authority));
        return database;
    }

    private static void requireRefusal(PGSimpleDataSource database, String why) {
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgSchema.of(database).require())
                .withMessageContaining(why)
                .matches(e -> !e.isUnreachable(), "is not worth waiting");
    }

    @Test
    void worksOverConnectionsWhoseServerIsProven() {
        PGSimpleDataSource database = database("localhost", "verify-full", "server.crt");

        PgSchema.of(database).migrate().require();

        assertThat(TestPostgres.rows(database, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
                .containsExactly("t");
    }

    @Test
    void refusesAnAuthorityThatIsNotTrusted() {
        requireRefusal(database("localhost", "verify-full", "other.crt"), "certificat");
    }

    @Test
    void refusesACertificateOfAnotherHost() {
        requireRefusal(database("127.0.0.1", "verify-full", "server.crt"), "127.0.0.1");
    }

    @Test
    void namesTheFileWithAuthoritiesThatIsNotThere() {
        requireRefusal(database("localhost", "verify-full", "missing.crt"), "missing.crt");
    }

    @Test
    void refusesAServerWithoutTls() {
        PGSimpleDataSource database = TestPostgres.newDatabase();
        assumeThat(TestPostgres.rows(database, "SHOW ssl")).containsExactly("off");
        database.setSslMode("verify-full");
        database.setSslRootCert(folder.resolve("server.crt").toString());

        requireRefusal(database, "does not support SSL");
    }
}
