/** Contract suites for implementers, fakes, generators and assertions. */
@org.jspecify.annotations.NullMarked
module io.fedlearn.testkit {
    requires transitive io.fedlearn.core;
    requires transitive org.assertj.core;
    requires transitive org.junit.jupiter.api;
    requires org.junit.jupiter.params;
    requires static org.jspecify;
}
