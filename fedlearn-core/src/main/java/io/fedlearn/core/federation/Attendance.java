package io.fedlearn.core.federation;

import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Config;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Which clients the audit log says are there. It starts with nobody, in a resumed run too: whoever is there then has joined this
 * process. Confined to one thread at a time.
 */
final class Attendance {
    /** So many ids make a record; more make several. */
    static final int IDS_PER_EVENT = 1_000;

    private SortedSet<String> known = new TreeSet<>();

    /**
     * Clients that came or went since the last time.
     *
     * @param type of the event
     * @param fields of it, which name them
     */
    record Change(String type, Config fields) {}

    /** Takes note of who is there now. */
    List<Change> changes(List<ClientInfo> clients) {
        SortedSet<String> now = new TreeSet<>();
        clients.forEach(client -> now.add(client.id()));
        if (now.equals(known)) {
            return List.of();
        }
        List<Change> changes = new ArrayList<>();
        add("clients-left", without(known, now), now.size(), changes);
        add("clients-joined", without(now, known), now.size(), changes);
        known = now;
        return changes;
    }

    private static List<String> without(SortedSet<String> ids, SortedSet<String> others) {
        return ids.stream().filter(id -> !others.contains(id)).toList();
    }

    private static void add(String type, List<String> ids, int present, List<Change> changes) {
        for (int start = 0; start < ids.size(); start += IDS_PER_EVENT) {
            List<String> some = ids.subList(start, Math.min(ids.size(), start + IDS_PER_EVENT));
            changes.add(new Change(
                    type,
                    Config.empty()
                            .with("clients", AuditedIds.list(some))
                            .with("count", some.size())
                            .with("present", present)));
        }
    }
}
