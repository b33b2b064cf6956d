package io.fedlearn.examples.audit;

import io.fedlearn.examples.certs.CertificateFiles;
import io.fedlearn.formats.audit.AuditSigner;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn audit keygen}: makes a key that signs records. */
@Command(
        name = "keygen",
        sortOptions = false,
        description = {
            "Makes a pair of Ed25519 keys: audit-key.pem signs records (--audit-key of the commands that train), and is a secret"
                    + " of whoever writes the log; audit.pem is for all who verify it (--public-key of audit verify). Read them the key's id on the telephone.",
            "",
            "openssl genpkey -algorithm ed25519 makes such keys too.",
            ""
        },
        footerHeading = "%nExample:%n",
        footer = {
            "  fedlearn audit keygen --out coordinator",
            "  fedlearn heart --audit-key coordinator/audit-key.pem",
            "  fedlearn audit verify runs/heart/audit.jsonl --public-key coordinator/audit.pem --require-signatures",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:Done.",
            "1:It failed; one line says why, --stacktrace shows where.",
            "2:The folder cannot be used as it is, or has keys already; nothing was written."
        })
final class AuditKeygenCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            required = true,
            description = "The folder of both files; made if need be, for its owner only.")
    private Path folder;

    @Override
    public void run() {
        Path secret = folder.resolve("audit-key.pem");
        Path open = folder.resolve("audit.pem");
        CertificateFiles.refuseExisting(secret);
        CertificateFiles.refuseExisting(open);
        KeyPair keys;
        try {
            keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java since 15 must have Ed25519", e);
        }
        CertificateFiles.folder(folder);
        CertificateFiles.writeNew(
                secret, CertificateFiles.PRIVATE_KEY, keys.getPrivate().getEncoded());
        CertificateFiles.writeNew(
                open, CertificateFiles.PUBLIC_KEY, keys.getPublic().getEncoded());
        PrintWriter out = spec.commandLine().getOut();
        out.println("private key: " + secret + " (secret)");
        out.println("public key:  " + open + " (give it to whoever verifies)");
        out.println("key id:      " + AuditSigner.of(keys.getPrivate()).keyId());
        out.flush();
    }
}
