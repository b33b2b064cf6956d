package io.fedlearn.core.federation;

import java.util.Collection;
import java.util.stream.Collectors;

/** Ids of several clients as one text of an audit record. */
final class AuditedIds {
    private AuditedIds() {}

    /** Joins them by blanks. A blank within an id becomes {@code %20}, and {@code %} becomes {@code %25}, so that no two lists are one text. */
    static String list(Collection<String> ids) {
        return ids.stream()
                .map(id -> id.replace("%", "%25").replace(" ", "%20"))
                .collect(Collectors.joining(" "));
    }
}
