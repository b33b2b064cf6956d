package io.fedlearn.examples.conformance;

import io.fedlearn.examples.console.ProgressBar;
import io.fedlearn.examples.report.Grid;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The accuracy of every rule under every attack. */
final class Accuracies {
    private final List<Defence> defences;
    private final Map<String, Map<Attack, Double>> byDefence;

    private Accuracies(List<Defence> defences, Map<String, Map<Attack, Double>> byDefence) {
        this.defences = List.copyOf(defences);
        this.byDefence = byDefence;
    }

    /** Trains with each rule under each attack, and prints the table. */
    static Accuracies measure(String title, Arena arena, List<Defence> defences, List<Attack> attacks, Bench bench)
            throws InterruptedException {
        Map<String, Map<Attack, Double>> all = new LinkedHashMap<>();
        long runs = (long) defences.size() * attacks.size();
        try (ProgressBar bar = bench.begin(title + ", runs")) {
            long done = 0;
            for (Defence defence : defences) {
                Map<Attack, Double> row = new EnumMap<>(Attack.class);
                for (Attack attack : attacks) {
                    row.put(attack, arena.accuracy(defence.strategy(), attack));
                    done++;
                    bar.update(done, runs);
                }
                all.put(defence.name(), row);
            }
        }
        Accuracies accuracies = new Accuracies(defences, all);
        bench.print(
                title + ": test accuracy, mean of the last " + Arena.LAST_ROUNDS + " rounds", accuracies.grid(attacks));
        return accuracies;
    }

    /** The accuracy of one rule under one attack. */
    double of(String defence, Attack attack) {
        return Optional.ofNullable(byDefence.get(defence))
                .flatMap(row -> Optional.ofNullable(row.get(attack)))
                .orElseThrow();
    }

    /** What the attack costs the rule, in points. */
    double points(String defence, Attack attack) {
        return 100 * (of(defence, Attack.NONE) - of(defence, attack));
    }

    /** The rules that claim to bear attackers of all kinds. */
    List<String> robust() {
        return defences.stream().filter(Defence::isRobust).map(Defence::name).toList();
    }

    private Grid grid(List<Attack> attacks) {
        List<String> header = new ArrayList<>(List.of("rule"));
        attacks.forEach(attack -> header.add(attack.toString()));
        Grid grid = new Grid(header, List.of());
        for (Map.Entry<String, Map<Attack, Double>> entry : byDefence.entrySet()) {
            List<String> cells = new ArrayList<>(List.of(entry.getKey()));
            for (Attack attack : attacks) {
                cells.add(String.format(Locale.ROOT, "%.3f", of(entry.getKey(), attack)));
            }
            grid = grid.with(cells);
        }
        return grid;
    }
}
