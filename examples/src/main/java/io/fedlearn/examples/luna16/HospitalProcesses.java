package io.fedlearn.examples.luna16;

import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.examples.certs.TrialAuthority;
import io.fedlearn.examples.network.SiteProcess;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.grpc.server.FederatedServer;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Hospitals in processes of their own, and the server that they join, over mutual TLS. Whatever becomes of this process, none of
 * theirs outlives it.
 */
final class HospitalProcesses implements AutoCloseable {
    private static final String FOLDER = "network";
    private static final String HOST = "127.0.0.1";
    private static final int LEAST_MEBIBYTES = 384;
    private static final int MOST_MEBIBYTES = 1 << 20;
    private static final int MOST_BY_DEFAULT = 4096;
    private static final int ALL_BY_DEFAULT = 20_480;
    private static final int LEAST_HEAP = 128;
    private static final Duration PATIENCE = Duration.ofSeconds(15);

    private final FederatedServer server;
    private final Path folder;
    private final int mebibytes;
    private final List<SiteProcess> processes = new ArrayList<>();

    private HospitalProcesses(FederatedServer server, Path folder, int mebibytes) {
        this.server = server;
        this.folder = folder;
        this.mebibytes = mebibytes;
    }

    /** Refuses less memory than a Java virtual machine with a network needs. */
    static void checkMemory(int mebibytes) {
        if (mebibytes < LEAST_MEBIBYTES || mebibytes > MOST_MEBIBYTES) {
            throw new InputException("--hospital-memory must be from " + LEAST_MEBIBYTES + " to " + MOST_MEBIBYTES
                    + ", was " + mebibytes);
        }
    }

    /**
     * Starts the server and a process for each hospital.
     *
     * @param run the run's folder, where certificates, logs and the hospitals' state go
     * @param memory of each process in MiB
     * @param arguments that say what data there is and how it is trained on
     * @param lines is told when a hospital's process ends before its time
     */
    static HospitalProcesses start(
            Path run,
            List<Hospital> hospitals,
            Optional<Integer> memory,
            List<String> arguments,
            Consumer<String> lines) {
        Path folder = run.resolve(FOLDER);
        List<String> names = hospitals.stream().map(Hospital::name).toList();
        TrialCertificates certificates = TrialCertificates.make(folder.resolve("certificates"), names, HOST);
        FederatedServer server = FederatedServer.builder()
                .listen(HOST, 0)
                .security(ServerSecurity.mutualTls(
                        certificates.server().certificateFile(),
                        certificates.server().keyFile(),
                        certificates.authority()))
                .start();
        HospitalProcesses started =
                new HospitalProcesses(server, folder, memory.orElseGet(() -> defaultMemory(names.size())));
        try {
            for (int i = 0; i < names.size(); i++) {
                started.processes.add(started.process(names.get(i), i + 1, certificates, arguments, lines));
            }
            return started;
        } catch (RuntimeException e) {
            started.close();
            throw e;
        }
    }

    /** An equal share of most of the machine's memory. */
    private static int defaultMemory(int hospitals) {
        long machine = ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class)
                        .getTotalMemorySize()
                >> 20;
        // The rest is for this process and for files that are in use.
        long all = Math.min(ALL_BY_DEFAULT, machine * 2 / 3);
        return (int) Math.max(LEAST_MEBIBYTES, Math.min(MOST_BY_DEFAULT, all / hospitals));
    }

    private SiteProcess process(
            String name, int number, TrialCertificates certificates, List<String> arguments, Consumer<String> lines) {
        TrialAuthority.Issued own = certificates.hospitals().get(number - 1);
        int heap = Math.max(LEAST_HEAP, mebibytes / 2);
        List<String> options = List.of(
                "-Xmx" + heap + "m", "-Dorg.bytedeco.javacpp.maxphysicalbytes=" + mebibytes + "m", "-XX:+UseSerialGC");
        List<String> command = new ArrayList<>(List.of(
                Luna16HospitalCommand.NAME,
                "--hospital",
                name,
                "--server",
                HOST + ":" + server.address().getPort(),
                "--ca",
                certificates.authority().toString(),
                "--cert",
                own.certificateFile().toString(),
                "--key",
                own.keyFile().toString(),
                "--state",
                folder.resolve("hospital-" + number).toString()));
        command.addAll(arguments);
        Path log = folder.resolve("hospital-" + number + ".log");
        return SiteProcess.start(options, command, log, code -> {
            if (code != 0) {
                lines.accept("The process of hospital " + name + " ended with code " + code + "; its log is " + log);
            }
        });
    }

    /** What reaches the hospitals. */
    Runtime runtime() {
        return server;
    }

    /** What there is, for a reader. */
    List<String> toLines() {
        return List.of(
                "",
                "Each hospital trains in a process of its own, of at most " + mebibytes + " MiB, over mutual TLS on "
                        + server.address().getAddress().getHostAddress() + ":"
                        + server.address().getPort() + ".",
                "Logs: " + folder.resolve("hospital-*.log"));
    }

    /** Tells hospitals that the run is over, and waits until their processes have ended. */
    void finish() throws InterruptedException {
        server.close();
        for (SiteProcess process : processes) {
            process.await(PATIENCE);
        }
    }

    @Override
    public void close() {
        processes.forEach(SiteProcess::close);
        server.close();
    }
}
