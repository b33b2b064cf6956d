package io.fedlearn.core.partition;

import io.fedlearn.core.random.SeededRandom;
import java.util.Locale;

/**
 * A rule that divides the examples of one data set among simulated clients.
 *
 * <p>Rules for implementers: (1) every example goes to exactly one client, which {@link Partition#of} checks; (2) the
 * same arguments give the same parts on every JVM; (3) the arguments are not changed; (4) the object is immutable and
 * thread-safe.
 *
 * <p>The partitioners of this package turn into the text from which {@link #parse} makes them again, for run records.
 * Examples that belong to a site by nature are divided with {@link Partition#byKey} instead.
 */
@FunctionalInterface
public interface Partitioner {
    /** Default number of label shards per client, as in the paper: {@value}. */
    int DEFAULT_SHARDS_PER_CLIENT = 2;

    /** Default of the fewest examples that a client of a skewed partition may have: {@value}. */
    int DEFAULT_MINIMUM_EXAMPLES = 1;

    /** How often a skewed partition is drawn before its minimum counts as out of reach: {@value} times. */
    int MAX_DRAWS = 1000;

    /**
     * Divides the examples.
     *
     * @param classes the class of each example; any integers. Rules that do not look at classes use the length alone
     * @param clients the number of clients, from 1 to the number of examples
     * @param seed where the randomness starts
     * @throws IllegalArgumentException if there are fewer examples than the rule needs for so many clients
     */
    Partition partition(int[] classes, int clients, long seed);

    /** Shuffled examples in equal parts; sizes differ by at most one. */
    static Partitioner iid() {
        return new Iid();
    }

    /**
     * Label shards: the examples, sorted by class, are cut into {@code clients * shardsPerClient} shards whose sizes
     * differ by at most one, and each client is dealt {@code shardsPerClient} of them. A client sees few classes, and
     * sizes are nearly equal.
     *
     * <p><b>Reference.</b> McMahan et al., "Communication-Efficient Learning of Deep Networks from Decentralized Data",
     * AISTATS 2017, arXiv:1602.05629, section 3 (there 2 shards of 300 for each of 100 clients). Examples of one class
     * keep their order.
     *
     * @param shardsPerClient at least 1
     */
    static Partitioner shards(int shardsPerClient) {
        return new LabelShards(shardsPerClient);
    }

    /** As {@link #dirichlet(double, int)}, with at least {@value #DEFAULT_MINIMUM_EXAMPLES} example per client. */
    static Partitioner dirichlet(double alpha) {
        return new DirichletLabels(alpha, DEFAULT_MINIMUM_EXAMPLES);
    }

    /**
     * Label skew: for each class, the clients' shares of its examples are drawn from a symmetric Dirichlet
     * distribution. Small {@code alpha} gives each class to few clients; large {@code alpha} approaches equal shares.
     *
     * <p>While a client has fewer than {@code minimumExamples}, all shares are drawn again, up to {@value #MAX_DRAWS}
     * times.
     *
     * <p><b>Reference.</b> Yurochkin et al., "Bayesian Nonparametric Federated Learning of Neural Networks", ICML 2019,
     * arXiv:1905.12022. <b>Differs</b> from the authors' code in not cutting off a client that already has an average
     * part. Hsu et al., "Measuring the Effects of Non-Identical Data Distribution", arXiv:1909.06335, draw the shares
     * of the classes for each client instead, which keeps clients equally large.
     *
     * @param alpha the concentration, {@code > 0} ({@value SeededRandom#MIN_CONCENTRATION} at least) and finite
     * @param minimumExamples the fewest examples that a client may have, {@code >= 0}
     */
    static Partitioner dirichlet(double alpha, int minimumExamples) {
        return new DirichletLabels(alpha, minimumExamples);
    }

    /** As {@link #quantity(double, int)}, with at least {@value #DEFAULT_MINIMUM_EXAMPLES} example per client. */
    static Partitioner quantity(double beta) {
        return new QuantitySkew(beta, DEFAULT_MINIMUM_EXAMPLES);
    }

    /**
     * Quantity skew: shuffled examples, cut by shares that are drawn from a symmetric Dirichlet distribution. Clients
     * differ in size and not in what they see.
     *
     * <p>While a client has fewer than {@code minimumExamples}, the shares are drawn again, up to {@value #MAX_DRAWS}
     * times.
     *
     * <p><b>Reference.</b> Li et al., "Federated Learning on Non-IID Data Silos: An Experimental Study", ICDE 2022,
     * arXiv:2102.02079, section IV-D.
     *
     * @param beta the concentration, {@code > 0} ({@value SeededRandom#MIN_CONCENTRATION} at least) and finite
     * @param minimumExamples the fewest examples that a client may have, {@code >= 0}
     */
    static Partitioner quantity(double beta, int minimumExamples) {
        return new QuantitySkew(beta, minimumExamples);
    }

    /**
     * The partitioner that a text names, as on a command line: {@code iid}; {@code shards} or {@code shards:N}, N
     * shards per client; {@code dirichlet:A} or {@code dirichlet:A:M}, concentration A and at least M examples per
     * client; {@code quantity:B} or {@code quantity:B:M} likewise.
     *
     * @throws IllegalArgumentException if the text names none; the message says what would
     */
    static Partitioner parse(String text) {
        String[] parts = text.strip().toLowerCase(Locale.ROOT).split(":", -1);
        PartitionText settings = new PartitionText(text, parts);
        return switch (parts[0]) {
            case "iid" -> {
                settings.requireAtMost(0);
                yield iid();
            }
            case "shards" -> {
                settings.requireAtMost(1);
                yield shards(settings.whole(1, DEFAULT_SHARDS_PER_CLIENT, 1));
            }
            case "dirichlet" -> {
                settings.requireAtMost(2);
                yield dirichlet(settings.concentration(), settings.whole(2, DEFAULT_MINIMUM_EXAMPLES, 0));
            }
            case "quantity" -> {
                settings.requireAtMost(2);
                yield quantity(settings.concentration(), settings.whole(2, DEFAULT_MINIMUM_EXAMPLES, 0));
            }
            default -> throw settings.refusal("there is no partition of that name");
        };
    }
}
