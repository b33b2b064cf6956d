package io.fedlearn.examples.privacy;

import io.fedlearn.core.budget.InMemoryPrivacyLedger;
import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacyLedgerException;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.files.AuditVerifier;
import io.fedlearn.files.FilePrivacyLedger;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PldAccountant;
import io.fedlearn.privacy.accounting.RdpAccountant;
import io.fedlearn.privacy.budget.Composition;
import io.fedlearn.privacy.budget.LedgerBudget;
import io.fedlearn.privacy.budget.LedgerCsv;
import io.fedlearn.privacy.budget.PrivacyCharges;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn dp ledger}: what was spent, when, and by what. */
@Command(
        name = "ledger",
        sortOptions = false,
        description = {
            "Verifies a privacy ledger and prints what was debited in each scope, with its epsilon at a delta.",
            "",
            "The ledger is read only, and may be in use. Limits are not in it: they are those of whoever debits.",
            "Epsilon is that of all entries of a scope: composed as repetitions if they are one event, else by their rho,"
                    + " else as a sum.",
            ""
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn dp ledger --ledger privacy.jsonl",
            "  fedlearn dp ledger --ledger privacy.jsonl --scope run/heart --csv spent.csv",
            ""
        })
final class DpLedgerCommand implements Callable<Integer> {
    private static final Pattern END = Pattern.compile("([0-9]{1,15}):([0-9a-f]{64})");
    private static final String UNKNOWN = "?";

    @Spec
    private CommandSpec spec;

    @Option(names = "--ledger", paramLabel = "FILE", required = true, description = "The ledger.")
    private Path ledger;

    @Option(
            names = "--delta",
            paramLabel = "D",
            defaultValue = "1e-5",
            description = "At which delta epsilon is given, in [0, 1) (default: ${DEFAULT-VALUE}).")
    private double delta;

    @Option(names = "--scope", paramLabel = "SCOPE", description = "Print the entries of this scope too.")
    private Optional<String> scope = Optional.empty();

    @Option(names = "--csv", paramLabel = "OUT", description = "Write all entries there, for a spreadsheet.")
    private Optional<Path> csv = Optional.empty();

    @Option(
            names = "--known-end",
            paramLabel = "N:HASH",
            description =
                    "An end that the ledger had once, as it was printed then; refused if the ledger does not hold it.")
    private Optional<String> knownEnd = Optional.empty();

    @Override
    public Integer call() {
        if (!(delta >= 0 && delta < 1)) {
            throw new InputException("--delta must be in [0, 1), was " + delta);
        }
        AuditHead known = knownEnd.map(DpLedgerCommand::end).orElse(AuditHead.empty());
        if (!Files.isRegularFile(ledger)) {
            throw new InputException("--ledger " + ledger + ": there is no such file");
        }
        List<LedgerEntry> entries = FilePrivacyLedger.read(ledger, known);
        AuditHead end = AuditVerifier.verify(ledger).head();
        Map<String, List<LedgerEntry>> scopes = new TreeMap<>();
        entries.forEach(entry -> scopes.computeIfAbsent(entry.charge().scope(), name -> new ArrayList<>())
                .add(entry));
        if (scope.isPresent() && !scopes.containsKey(scope.get())) {
            throw new InputException("--scope '" + scope.get() + "': there is no such scope, but " + scopes.keySet());
        }
        print(scopes, end);
        csv.ifPresent(file -> export(entries, file));
        return 0;
    }

    private static AuditHead end(String text) {
        Matcher matcher = END.matcher(text);
        if (!matcher.matches()) {
            throw new InputException("--known-end must be a number, a colon and 64 hexadecimal digits, was " + text);
        }
        return new AuditHead(Long.parseLong(matcher.group(1)), matcher.group(2));
    }

    private void print(Map<String, List<LedgerEntry>> scopes, AuditHead head) {
        PrintWriter out = spec.commandLine().getOut();
        Grid grid = Grid.of("scope", "entries", "first", "last", "relation", "epsilon", "composed as");
        for (Map.Entry<String, List<LedgerEntry>> each : scopes.entrySet()) {
            List<LedgerEntry> entries = each.getValue();
            Cost cost = cost(entries);
            grid = grid.with(
                    each.getKey(),
                    Integer.toString(entries.size()),
                    entries.get(0).time().toString(),
                    entries.get(entries.size() - 1).time().toString(),
                    text(entries.get(0), PrivacyCharges.RELATION),
                    cost.epsilon(),
                    cost.composition());
        }
        grid.toLines().forEach(out::println);
        if (scope.isPresent()) {
            out.println();
            Grid list = Grid.of("number", "time", "mechanism", "purpose");
            for (LedgerEntry entry : scopes.getOrDefault(scope.get(), List.of())) {
                list = list.with(
                        Long.toString(entry.number()),
                        entry.time().toString(),
                        entry.charge().mechanism(),
                        text(entry, PrivacyCharges.PURPOSE));
            }
            list.toLines().forEach(out::println);
        }
        out.println();
        out.println("epsilon at delta " + delta + ", an upper bound; " + UNKNOWN + " where none can be proven");
        out.println("the ledger is as it was written; keep its end elsewhere, to find a cut tail:");
        out.println(head.sequence() + ":" + head.hash());
        out.flush();
    }

    private static String text(LedgerEntry entry, String name) {
        // What people wrote must not steer the terminal.
        return entry.charge()
                .parameters()
                .asMap()
                .getOrDefault(name, UNKNOWN)
                .toString()
                .replaceAll("\\p{Cntrl}", " ");
    }

    private record Cost(String epsilon, String composition) {}

    private Cost cost(List<LedgerEntry> entries) {
        NeighboringRelation relation;
        try {
            relation = NeighboringRelation.parse(text(entries.get(0), PrivacyCharges.RELATION));
        } catch (IllegalArgumentException e) {
            return new Cost(UNKNOWN, UNKNOWN);
        }
        List<Function<NeighboringRelation, Composition>> ways = List.of(
                one -> Composition.sameEvent(PldAccountant.of(one)),
                one -> Composition.sameEvent(RdpAccountant.of(one)),
                Composition::zeroConcentrated,
                one -> Composition.basic(RdpAccountant.of(one)));
        for (Function<NeighboringRelation, Composition> way : ways) {
            Optional<Cost> cost = cost(entries, way.apply(relation));
            if (cost.isPresent()) {
                return cost.get();
            }
        }
        return new Cost(UNKNOWN, UNKNOWN);
    }

    private Optional<Cost> cost(List<LedgerEntry> entries, Composition composition) {
        try (InMemoryPrivacyLedger copy = InMemoryPrivacyLedger.create()) {
            for (LedgerEntry entry : entries) {
                copy.append(entry.charge(), entry.number() - 1);
            }
            PrivacySpent spent = LedgerBudget.builder(copy, composition)
                    .limitOfEachOtherScope(Double.MAX_VALUE, delta)
                    .build()
                    .spent(entries.get(0).charge().scope());
            String epsilon = Double.toString(spent.epsilon());
            return Optional.of(new Cost(
                    spent.privacyDelta() > delta ? epsilon + " (delta " + spent.privacyDelta() + ")" : epsilon,
                    composition.toString()));
        } catch (PrivacyLedgerException e) {
            return Optional.empty(); // not to be composed like that
        }
    }

    private void export(List<LedgerEntry> entries, Path file) {
        StringBuilder text = new StringBuilder();
        try {
            if (Files.exists(file) && Files.isSameFile(file, ledger)) {
                throw new InputException("--csv " + file + " is the ledger itself");
            }
            LedgerCsv.write(entries, text);
            Path started = file.resolveSibling(file.getFileName() + ".part");
            try {
                Files.writeString(started, text, StandardCharsets.UTF_8);
                Files.move(started, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(started);
            }
        } catch (IOException e) {
            throw InputException.of("--csv " + file + " cannot be written", e);
        }
    }
}
