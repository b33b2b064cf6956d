import io.fedlearn.core.update.UpdateTransform;
import io.fedlearn.testkit.transform.ScaleTransform;
import io.fedlearn.testkit.transform.ShiftTransform;
import org.jspecify.annotations.NullMarked;

/** Contract suites for implementers, faulty clients, generators and assertions. */
@NullMarked
module io.fedlearn.testkit {
    requires transitive io.fedlearn.core;
    requires static org.jspecify;
    // What a thread has allocated.
    requires jdk.management;
    requires transitive org.assertj.core;
    requires transitive org.junit.jupiter.api;
    requires transitive org.junit.jupiter.params;

    exports io.fedlearn.testkit.client;
    exports io.fedlearn.testkit.clock;
    // Open, because JUnit calls the suites' tests by reflection.
    opens io.fedlearn.testkit.contract;

    exports io.fedlearn.testkit.contract;
    exports io.fedlearn.testkit.fault;
    exports io.fedlearn.testkit.fuzz;
    exports io.fedlearn.testkit.generator;
    exports io.fedlearn.testkit.network;
    exports io.fedlearn.testkit.runtime;
    exports io.fedlearn.testkit.statistics;
    exports io.fedlearn.testkit.transform;

    provides UpdateTransform.Factory with
            ScaleTransform.Factory,
            ShiftTransform.Factory;
}
