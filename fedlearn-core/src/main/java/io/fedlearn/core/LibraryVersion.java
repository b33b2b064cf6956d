package io.fedlearn.core;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The version of the library that is running, as run records name it. */
public final class LibraryVersion {
    private LibraryVersion() {}

    /**
     * The version of {@code fedlearn-core}, such as {@code 0.1.0}.
     *
     * @throws IllegalStateException if the library was packed without its version resource
     */
    public static String current() {
        try (InputStream in = LibraryVersion.class.getResourceAsStream("version.properties")) {
            if (in == null) {
                throw new IllegalStateException("fedlearn-core was packed without io/fedlearn/core/version.properties");
            }
            Properties properties = new Properties();
            properties.load(in);
            return properties.getProperty("version", "unknown");
        } catch (IOException e) {
            throw new UncheckedIOException("io/fedlearn/core/version.properties cannot be read", e);
        }
    }
}
