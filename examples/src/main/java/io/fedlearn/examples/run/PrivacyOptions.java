package io.fedlearn.examples.run;

import io.fedlearn.examples.protection.PrivacyTarget;
import io.fedlearn.examples.protection.PrivacyUnit;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options of private training. */
final class PrivacyOptions {
    private static final String LEDGERS = "privacy";
    private static final double DEFAULT_DELTA = 1e-5;
    private static final double DEFAULT_CLIP = 1;

    @Option(
            names = "--dp-epsilon",
            paramLabel = "E",
            description = "Train with differential privacy: the whole run costs nobody more than this epsilon (default:"
                    + " not private).")
    private Optional<Double> epsilon = Optional.empty();

    @Option(
            names = "--dp-delta",
            paramLabel = "D",
            description = "The delta of --dp-epsilon: well below one over the number of those protected (default: "
                    + DEFAULT_DELTA + ").")
    private Optional<Double> privacyDelta = Optional.empty();

    @Option(
            names = "--dp-unit",
            paramLabel = "WHOM",
            description =
                    "Whom --dp-epsilon protects: patient (each at its site, by DP-SGD there; --batch-size is how many"
                            + " are expected in a step) or client (each with all its training data, by noise at the coordinator; needs"
                            + " hundreds of clients) (default: patient; in mnist client, and patient means one image).")
    private Optional<PrivacyUnit> unit = Optional.empty();

    @Option(
            names = "--dp-clip",
            paramLabel = "C",
            description = "The largest norm of what one patient adds to a gradient, or one client to a round (default: "
                    + DEFAULT_CLIP + ").")
    private Optional<Double> clip = Optional.empty();

    @Option(
            names = "--dp-ledger",
            paramLabel = "DIR",
            description =
                    "Where it is kept what was spent. A later run on the same data with the same ledgers goes on from it:"
                            + " it is refused what does not fit, and other noise than before (default: <out>/privacy).")
    private Optional<Path> ledgers = Optional.empty();

    /** What the run promises; empty if it is not private. */
    Optional<PrivacyTarget> target(PrivacyUnit otherwise) {
        return epsilon.map(value -> new PrivacyTarget(
                unit.orElse(otherwise), value, privacyDelta.orElse(DEFAULT_DELTA), clip.orElse(DEFAULT_CLIP)));
    }

    /** Whether a folder of ledgers is named. */
    boolean namesLedgers() {
        return ledgers.isPresent();
    }

    /** The folder of the ledgers. */
    Path ledgers(Path out) {
        return ledgers.orElse(out.resolve(LEDGERS));
    }

    void check() {
        // Who names any of them means a private run, and must not get another one unawares.
        if (epsilon.isEmpty()
                && (unit.isPresent() || ledgers.isPresent() || privacyDelta.isPresent() || clip.isPresent())) {
            throw new InputException("--dp-delta, --dp-unit, --dp-clip and --dp-ledger need --dp-epsilon");
        }
        try {
            target(PrivacyUnit.CLIENT);
        } catch (IllegalArgumentException e) {
            throw new InputException("--dp-" + e.getMessage(), e);
        }
    }
}
