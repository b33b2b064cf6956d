package io.fedlearn.examples.network;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A host and a port.
 *
 * @param host a name or an address, IPv6 without brackets
 * @param port 0 to have a free one chosen
 */
record Address(String host, int port) {
    private static final int MOST_PORT = 65_535;

    /** Whether only this machine reaches it. */
    boolean isLoopback() {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            // Whoever binds or connects says so better.
            return false;
        }
    }

    /** Whether it stands for all addresses of this machine. */
    boolean isAny() {
        return host.equals("0.0.0.0") || host.equals("::");
    }

    @Override
    public String toString() {
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }

    /** Reads {@code site.example:8443} and {@code [::1]:8443}. */
    static final class Converter implements ITypeConverter<Address> {
        private static final Pattern FORM = Pattern.compile("(?:\\[([0-9A-Fa-f:.%]+)]|([^\\[\\]:/\\s]+)):([0-9]{1,5})");

        @Override
        public Address convert(String text) {
            Matcher form = FORM.matcher(text);
            if (!form.matches() || Integer.parseInt(form.group(3)) > MOST_PORT) {
                throw new TypeConversionException(
                        "an address must be such as 127.0.0.1:8443, site.example:8443 or [::1]:8443, was '" + text
                                + "'");
            }
            return new Address(form.group(1) == null ? form.group(2) : form.group(1), Integer.parseInt(form.group(3)));
        }
    }
}
