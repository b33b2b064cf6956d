package io.fedlearn.aggregators.selection;

import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Participation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;

/**
 * Clients in turn: those that were asked least often come first, among them those whose last turn is longest ago, and chance
 * decides between equals.
 *
 * <p>While the same clients are there, nobody is asked a second time before all were asked once, and no two clients' turns ever
 * differ by more than one. One that was away, or is new, is given the turns it has missed. A client that was asked and did not
 * answer has had its turn.
 *
 * <p><b>Setting</b>: count (none, at least 1). <b>Threads.</b> Immutable.
 */
public final class RoundRobin implements ClientSelector {
    private final int count;

    private RoundRobin(int count) {
        Ranges.requireAtLeast("count", 1, count);
        this.count = count;
    }

    /**
     * A selector of so many clients, or of all where there are fewer.
     *
     * @param count at least 1
     */
    public static RoundRobin choosing(int count) {
        return new RoundRobin(count);
    }

    @Override
    public List<String> select(Context context) {
        record Turn(String id, int turns, int lastRound, long lot) {}
        SeededRandom random = context.random();
        List<Turn> turns = new ArrayList<>();
        for (ClientInfo client : context.clients()) {
            Participation past = context.participation().apply(client.id());
            turns.add(new Turn(
                    client.id(), past.selectedRounds(), past.lastSelectedRound().orElse(0), random.nextLong()));
        }
        turns.sort(Comparator.comparingInt(Turn::turns)
                .thenComparingInt(Turn::lastRound)
                .thenComparingLong(Turn::lot)
                .thenComparing(Turn::id));
        return turns.stream().limit(count).map(Turn::id).toList();
    }

    @Override
    public String description() {
        return "round-robin(count=" + count + ")";
    }

    @Override
    public OptionalInt largestCohort() {
        return OptionalInt.of(count);
    }
}
