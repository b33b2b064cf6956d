package io.fedlearn.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;

/** What memory this process takes. */
final class ProcessMemory {
    private ProcessMemory() {}

    /** The bytes that are resident now, by Linux. */
    static long resident() {
        return status("VmRSS:");
    }

    /** The most bytes that have been resident, by Linux. */
    static long peakResident() {
        return status("VmHWM:");
    }

    private static long status(String name) {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith(name))
                    .mapToLong(line -> 1024L * Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The heap's bytes that are alive: after a collection of all of it. */
    static long liveHeap() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.HEAP && pool.getCollectionUsage() != null)
                .mapToLong(ProcessMemory::afterCollection)
                .sum();
    }

    private static long afterCollection(MemoryPoolMXBean pool) {
        return pool.getCollectionUsage().getUsed();
    }
}
