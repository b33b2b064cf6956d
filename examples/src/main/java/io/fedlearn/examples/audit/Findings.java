package io.fedlearn.examples.audit;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.formats.audit.AuditReport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What is found out about a log, in words. */
final class Findings {
    private static final Pattern HEAD = Pattern.compile("([0-9]{1,15}):([0-9a-f]{64})");

    private Findings() {}

    /** Lets pass a file that is there. */
    static Path require(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new InputException(file + ": there is no such file");
        }
        return file;
    }

    /** Lets pass a log that is whole. */
    static AuditReport requireWhole(AuditReport report, String log) {
        report.firstBreak().ifPresent(broken -> {
            throw new RunStoreException(
                    "the audit log " + log + " is not as it was written: line " + broken.line() + ": "
                            // What people wrote must not steer the terminal.
                            + broken.reason().replaceAll("\\p{Cntrl}", " ") + " (whole and chained before it: "
                            + report.recordCount() + ")");
        });
        return report;
    }

    static AuditHead head(String text) {
        Matcher matcher = HEAD.matcher(text.strip());
        if (!matcher.matches()) {
            throw new InputException("--head must be a number, a colon and 64 hexadecimal digits, was " + text);
        }
        return new AuditHead(Long.parseLong(matcher.group(1)), matcher.group(2));
    }

    static String text(AuditHead head) {
        return head.sequence() + ":" + head.hash();
    }
}
