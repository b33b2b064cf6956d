package io.fedlearn.privacy.internal;

import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.task.Config;
import java.util.List;
import java.util.OptionalInt;

/**
 * A selector that sees ids and who was asked when, and nothing that clients say of themselves; and of the clients only those that
 * rested long enough. Without amplification the cohort is public, so it must not depend on anybody's data. Immutable.
 */
public final class DataBlindSelection implements ClientSelector {
    private final ClientSelector selector;
    private final int minSeparation;

    /**
     * That selector, so restricted.
     *
     * @param minSeparation how many rounds lie at least between two that ask a client; 1 if any
     */
    public DataBlindSelection(ClientSelector selector, int minSeparation) {
        this.selector = selector;
        this.minSeparation = minSeparation;
    }

    @Override
    public List<String> select(Context context) {
        List<ClientInfo> rested = context.clients().stream()
                .filter(client -> hasRested(context, client.id()))
                .map(client -> new ClientInfo(client.id(), Config.empty()))
                .toList();
        return selector.select(new Context(context.round(), rested, context.random(), context.participation()));
    }

    private boolean hasRested(Context context, String clientId) {
        OptionalInt last = context.participation().apply(clientId).lastSelectedRound();
        return last.isEmpty() || context.round() - last.getAsInt() >= minSeparation;
    }

    @Override
    public String description() {
        return minSeparation == 1
                ? selector.description()
                : "separated(minSeparation=" + minSeparation + ", " + selector.description() + ")";
    }

    @Override
    public OptionalInt largestCohort() {
        return selector.largestCohort();
    }
}
