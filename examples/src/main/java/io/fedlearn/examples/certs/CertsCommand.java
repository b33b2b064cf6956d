package io.fedlearn.examples.certs;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code fedlearn certs}: keys and certificates for a trial. */
@Command(
        name = "certs",
        subcommands = {
            CertsAuthorityCommand.class,
            CertsServerCommand.class,
            CertsRequestCommand.class,
            CertsSignCommand.class,
            CertsRevokeCommand.class,
            CertsShowCommand.class,
            CertsTokenCommand.class,
            CommandLine.HelpCommand.class
        },
        description = {
            "Makes the keys and certificates with which a server and its clients know each other, for a trial without a"
                    + " certificate authority (CA) of your own. A site's private key is made at the site and never leaves it.",
            "",
            "In this order:",
            "  1. The coordinator founds an authority (ca) and makes the server's certificate (server).",
            "  2. Each site makes its key and a request (request), and sends the coordinator the request, ID.csr.",
            "  3. The coordinator compares the request's fingerprint with what the site reads out on the telephone, signs"
                    + " it (sign), and sends back the certificate with ca.pem.",
            "  4. Server and clients start with these files. What is to end is revoked (revoke).",
            "",
            "Files that end in -key.pem or .token are secrets; all others may be sent by mail. docs/certificates.md tells a security"
                    + " officer the rest.",
            ""
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn certs ca --out ca",
            "  fedlearn certs server --ca ca --host fl.example.org,10.1.2.3 --out server",
            "  fedlearn certs request --client-id hospital-a --out site        (at the site)",
            "  fedlearn certs sign --ca ca hospital-a.csr --out hospital-a.pem",
            "  fedlearn certs revoke --ca ca hospital-a",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:Done.",
            "1:A failure of the program.",
            "2:An option or a file cannot be used as it is, or fingerprints differ; nothing was written."
        })
public final class CertsCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    CertsCommand() {}

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "Name what to do: ca, server, request, sign, revoke, show or token.");
    }
}
