package io.fedlearn.examples.doctor;

import com.sun.management.OperatingSystemMXBean;
import io.fedlearn.examples.doctor.Check.Area;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/** Java, memory and disks. */
final class MachineChecks {
    static final int LEAST_JAVA = 17;
    /** A CT of 512 slices takes a quarter of it, the patches of one scan and a network's parameters the rest. */
    static final long LEAST_HEAP = 1L << 30;

    static final long LITTLE_DISK = 2L << 30;
    static final long LEAST_DISK = 64L << 20;
    private static final double GIB = 1 << 30;

    private MachineChecks() {}

    static Check java(int version, String name) {
        return version >= LEAST_JAVA
                ? Check.ok(Area.MACHINE, "Java", name)
                : Check.failed(
                        Area.MACHINE,
                        "Java",
                        name,
                        "install a JDK of version " + LEAST_JAVA + " or newer and name it by JAVA_HOME");
    }

    /** The Java that runs this. */
    static String javaName() {
        return System.getProperty("java.version") + " of " + System.getProperty("java.vendor") + ", "
                + System.getProperty("java.home");
    }

    static Check processors(int count) {
        return Check.ok(Area.MACHINE, "processors", Integer.toString(count));
    }

    static Check memory(long physical, long heap) {
        String detail = (physical > 0 ? gibibytes(physical) + " in this machine, " : "") + "Java's heap takes up to "
                + gibibytes(heap);
        return heap >= LEAST_HEAP
                ? Check.ok(Area.MACHINE, "memory", detail)
                : Check.warning(
                        Area.MACHINE,
                        "memory",
                        detail + ", which whole scans may not fit",
                        "give Java more: FEDLEARN_JAVA_OPTS=-Xmx2g");
    }

    /** The memory of this machine, or of its container; 0 if Java does not say. */
    static long physicalMemory() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
                ? system.getTotalMemorySize()
                : 0;
    }

    /** Whether files can be written somewhere, and how many. */
    static Check disk(String name, Path folder, String option) {
        try {
            Path existing = folder.toAbsolutePath();
            while (!Files.exists(existing)) {
                existing = Optional.ofNullable(existing.getParent())
                        .orElseThrow(() -> new IOException("no folder above it exists"));
            }
            Files.delete(Files.createTempFile(existing, "fedlearn-doctor-", ".tmp"));
            return disk(name, folder, Files.getFileStore(existing).getUsableSpace(), option);
        } catch (IOException e) {
            return Check.failed(
                    Area.MACHINE, name, folder + " cannot be written: " + e, "name another folder: " + option);
        }
    }

    static Check disk(String name, Path folder, long free, String option) {
        String detail = gibibytes(free) + " free in " + folder;
        if (free < LEAST_DISK) {
            return Check.failed(Area.MACHINE, name, detail, "make room, or name another folder: " + option);
        }
        return free < LITTLE_DISK
                ? Check.warning(Area.MACHINE, name, detail, "make room, or name another folder: " + option)
                : Check.ok(Area.MACHINE, name, detail);
    }

    static String gibibytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f GiB", bytes / GIB);
    }
}
