package io.fedlearn.privacy.budget;

import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.privacy.accounting.PrivacyAccountant;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import java.util.Optional;

/** How often one event was released. The accountant composes all of them at once, which is faster and tighter than one by one. */
final class SameEventTally implements Tally {
    private final PrivacyAccountant accountant;
    private final Optional<First> first;
    private final long count;

    /** The event and an accountant that has seen it once: it need not analyse it again to compose more of it. */
    private record First(PrivacyEvent event, PrivacyAccountant accountant) {}

    SameEventTally(PrivacyAccountant accountant) {
        this(accountant, Optional.empty(), 0);
    }

    private SameEventTally(PrivacyAccountant accountant, Optional<First> first, long count) {
        this.accountant = accountant;
        this.first = first;
        this.count = count;
    }

    @Override
    public Tally add(Release release, long times) {
        PrivacyEvent one = release.event();
        long all = times;
        while (one instanceof PrivacyEvent.Repeated repeated) {
            all = Math.multiplyExact(all, repeated.count());
            one = repeated.event();
        }
        if (first.isEmpty()) {
            return new SameEventTally(accountant, Optional.of(new First(one, accountant.compose(one))), all);
        }
        if (!first.get().event().equals(one)) {
            throw new IllegalArgumentException("the scope's releases are composed as repetitions of its first, "
                    + first.get().event() + ", which holds for no other event: was " + one);
        }
        return new SameEventTally(accountant, first, Math.addExact(count, all));
    }

    @Override
    public Weight weigh(PrivacySpent limit) {
        if (count == 0) {
            return Weight.NOTHING;
        }
        First known = first.orElseThrow();
        PrivacyAccountant sum =
                count == 1 ? known.accountant() : known.accountant().compose(known.event(), count - 1);
        double epsilon = sum.epsilon(limit.privacyDelta());
        return new Weight(epsilon, limit.privacyDelta(), epsilon <= limit.epsilon());
    }
}
