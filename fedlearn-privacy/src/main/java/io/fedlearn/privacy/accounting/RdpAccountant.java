package io.fedlearn.privacy.accounting;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Adds up Renyi divergences, order by order, and turns them into epsilon and delta by the best order. Immutable and thread-safe.
 *
 * <p>Fast, and close to the truth for many releases; for small sampling rates an accountant of the privacy loss's distribution is much
 * closer. Beside the orders it keeps the sum of pure epsilons, which is the divergence of infinite order.
 *
 * <p><b>Reference.</b> Mironov, "Renyi Differential Privacy", CSF 2017, arXiv:1702.07476; sampling: Mironov, Talwar, Zhang 2019,
 * arXiv:1908.10530, Zhu and Wang, ICML 2019 and Wang, Balle, Kasiviswanathan, AISTATS 2019, arXiv:1808.00087; the way to epsilon:
 * Canonne, Kamath, Steinke 2020, arXiv:2004.00010, Proposition 12, and Balle et al. 2020, arXiv:1905.09982.
 * <b>Differs</b> from common implementations in fractional orders of the sampled Gaussian mechanism, which are exact here, while
 * others drop the sign of the binomial coefficient.
 *
 * <p>Every number is raised by more than its rounding errors.
 */
public final class RdpAccountant implements PrivacyAccountant {
    /** The least order that is taken: {@value}. */
    public static final double MIN_ORDER = 1.01;

    /** The largest order that is taken: {@value}. */
    public static final double MAX_ORDER = 10_000;

    private static final double[] DEFAULT_ORDERS = defaultOrders();

    private final NeighboringRelation relation;
    private final double[] orders;
    private final double[] divergences;
    private final double pure;
    private final @Nullable Curve latest;

    /** The curve of the event that was composed last: rounds of a run are alike. */
    private static final class Curve {
        private final PrivacyEvent event;
        private final double[] divergences;
        private final double pure;

        Curve(PrivacyEvent event, double[] divergences) {
            this.event = event;
            this.divergences = divergences;
            this.pure = PureEpsilon.of(event);
        }
    }

    private RdpAccountant(
            NeighboringRelation relation, double[] orders, double[] divergences, double pure, @Nullable Curve latest) {
        this.relation = Objects.requireNonNull(relation, "relation");
        this.orders = orders;
        this.divergences = divergences;
        this.pure = pure;
        this.latest = latest;
    }

    /** An accountant that has seen nothing, with orders 1.1, 1.2 to 10.9, 11 to 63, 128, 256, 512 and 1024. */
    public static RdpAccountant of(NeighboringRelation relation) {
        return new RdpAccountant(relation, DEFAULT_ORDERS, new double[DEFAULT_ORDERS.length], 0, null);
    }

    /**
     * An accountant that has seen nothing, with orders of the caller's choice.
     *
     * @param orders at least one, each in [{@value #MIN_ORDER}, {@value #MAX_ORDER}]; the array is copied
     */
    public static RdpAccountant of(NeighboringRelation relation, double... orders) {
        if (orders.length == 0) {
            throw new IllegalArgumentException("orders must not be empty");
        }
        for (double order : orders) {
            if (!(order >= MIN_ORDER && order <= MAX_ORDER)) {
                throw new IllegalArgumentException(
                        "orders must be in [" + MIN_ORDER + ", " + MAX_ORDER + "], one was " + order);
            }
        }
        double[] sorted = Arrays.stream(orders).sorted().distinct().toArray();
        return new RdpAccountant(relation, sorted, new double[sorted.length], 0, null);
    }

    private static double[] defaultOrders() {
        double[] orders = new double[99 + 53 + 4];
        int count = 0;
        for (int tenths = 11; tenths <= 109; tenths++) {
            orders[count++] = tenths / 10.0;
        }
        for (int order = 11; order <= 63; order++) {
            orders[count++] = order;
        }
        for (int order = 128; order <= 1024; order *= 2) {
            orders[count++] = order;
        }
        return orders;
    }

    @Override
    public NeighboringRelation relation() {
        return relation;
    }

    @Override
    public RdpAccountant compose(PrivacyEvent event, long count) {
        if (count < 0) {
            throw new IllegalArgumentException("count must be >= 0, was " + count);
        }
        Curve curve = latest;
        if (curve == null || !curve.event.equals(event)) {
            curve = new Curve(event, RenyiCurve.of(event, relation, orders));
        }
        if (count == 0) {
            return this;
        }
        double[] sum = divergences.clone();
        RenyiCurve.addInPlace(sum, curve.divergences, count);
        double both = Upward.add(pure, Upward.multiply(Upward.of(count), curve.pure));
        return new RdpAccountant(relation, orders, sum, both, curve);
    }

    @Override
    public RdpAccountant compose(PrivacyEvent event) {
        return compose(event, 1);
    }

    /** The orders, rising. A copy. */
    public double[] orders() {
        return orders.clone();
    }

    /** The Renyi divergences so far, one for each of {@link #orders()}: upper bounds. A copy. */
    public double[] divergences() {
        return divergences.clone();
    }

    @Override
    public double epsilon(double privacyDelta) {
        requireDelta(privacyDelta);
        double least = pure;
        for (int i = 0; i < orders.length; i++) {
            least = Math.min(least, RenyiConversion.epsilon(orders[i], divergences[i], privacyDelta));
        }
        return least;
    }

    /**
     * The epsilon of the older way, {@code D + log(1 / delta) / (alpha - 1)} (Mironov 2017, Proposition 3), by which many published
     * tables were made. Never less than {@link #epsilon}.
     *
     * @param privacyDelta in [0, 1)
     */
    public double epsilonByMironov(double privacyDelta) {
        requireDelta(privacyDelta);
        double least = pure;
        for (int i = 0; i < orders.length; i++) {
            least = Math.min(least, RenyiConversion.epsilonByMironov(orders[i], divergences[i], privacyDelta));
        }
        return least;
    }

    @Override
    public double privacyDelta(double epsilon) {
        if (!(epsilon >= 0) || Double.isInfinite(epsilon)) {
            throw new IllegalArgumentException("epsilon must be >= 0 and finite, was " + epsilon);
        }
        double least = pure <= epsilon ? 0 : 1;
        for (int i = 0; i < orders.length; i++) {
            least = Math.min(least, RenyiConversion.privacyDelta(orders[i], divergences[i], epsilon));
        }
        return least;
    }

    static void requireDelta(double privacyDelta) {
        if (!(privacyDelta >= 0 && privacyDelta < 1)) {
            throw new IllegalArgumentException("privacyDelta must be in [0, 1), was " + privacyDelta);
        }
    }

    @Override
    public String toString() {
        return "RDP accountant, " + relation;
    }
}
