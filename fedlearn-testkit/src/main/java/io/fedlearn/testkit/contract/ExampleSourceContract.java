package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.testkit.statistics.StatisticalAssertions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Tests the rules of {@link ExampleSource}; a subclass supplies the source. Numbers in the names of the tests are those of the
 * rules. That memory stays bounded (rule 3) needs more examples than fit, and is for tests of the source's own.
 */
public abstract class ExampleSourceContract {
    private static final int BATCH = 7;
    private static final double FALSE_ALARM = 1e-9;

    /** For subclasses. */
    protected ExampleSourceContract() {}

    /** A source of at least 20 examples, no two alike; always the same ones. */
    protected abstract ExampleSource create() throws Exception;

    /** A source of the same kind without examples, if there can be one. By default none. */
    protected Optional<ExampleSource> createEmpty() throws Exception {
        return Optional.empty();
    }

    private static List<List<String>> read(ExampleSource source, ExampleOrder order) {
        try (BatchReader reader = source.open(order)) {
            return readOn(reader, Batch.of(BATCH, source));
        }
    }

    /** The rest of the batches, each a list of its rows. */
    private static List<List<String>> readOn(BatchReader reader, Batch batch) {
        List<List<String>> batches = new ArrayList<>();
        while (reader.read(batch)) {
            batches.add(rows(batch));
        }
        return batches;
    }

    private static List<String> rows(Batch batch) {
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            float[] features =
                    Arrays.copyOfRange(batch.features(), i * batch.featureLength(), (i + 1) * batch.featureLength());
            float[] targets =
                    Arrays.copyOfRange(batch.targets(), i * batch.targetLength(), (i + 1) * batch.targetLength());
            rows.add(Arrays.toString(features) + Arrays.toString(targets));
        }
        return rows;
    }

    private static List<String> flat(List<List<String>> batches) {
        return batches.stream().flatMap(List::stream).toList();
    }

    private static Batch wholeBatch(ExampleSource source) {
        return Batch.of(Math.toIntExact(source.exampleCount()), source);
    }

    @Test
    @DisplayName("rule 1: the same order gives the same examples in the same batches, from one source and from another")
    void sameOrderGivesSameBatches() throws Exception {
        ExampleSource source = create();
        for (ExampleOrder order : List.of(ExampleOrder.sequential(), ExampleOrder.shuffled(5))) {
            List<List<String>> first = read(source, order);
            assertThat(read(source, order)).isEqualTo(first);
            assertThat(read(create(), order)).isEqualTo(first);
        }
    }

    @Test
    @DisplayName("rule 1: every batch but the last is full, and after the last there is none")
    void fillsBatches() throws Exception {
        ExampleSource source = create();
        for (ExampleOrder order : List.of(ExampleOrder.sequential(), ExampleOrder.shuffled(5))) {
            List<List<String>> batches = read(source, order);
            assertThat(flat(batches)).hasSize(Math.toIntExact(source.exampleCount()));
            assertThat(batches.subList(0, batches.size() - 1)).allMatch(batch -> batch.size() == BATCH);
            try (BatchReader reader = source.open(order)) {
                Batch batch = Batch.of(BATCH, source);
                readOn(reader, batch);
                assertThat(reader.read(batch)).isFalse();
                assertThat(reader.read(batch)).isFalse();
            }
        }
    }

    @Test
    @DisplayName("rule 1: the size of batches does not change which examples come when")
    void batchSizeDoesNotChangeTheOrder() throws Exception {
        ExampleSource source = create();
        for (ExampleOrder order : List.of(ExampleOrder.sequential(), ExampleOrder.shuffled(5))) {
            try (BatchReader reader = source.open(order)) {
                assertThat(flat(readOn(reader, Batch.of(3, source)))).isEqualTo(flat(read(source, order)));
            }
        }
    }

    @Test
    @DisplayName("rule 2: a shuffled order gives each example exactly once, in another order for another seed")
    void shufflesEachExampleOnce() throws Exception {
        ExampleSource source = create();
        List<String> lying = flat(read(source, ExampleOrder.sequential()));
        assertThat(source.exampleCount())
                .as("the suite needs at least 20 examples")
                .isGreaterThanOrEqualTo(20);
        assertThat(new HashSet<>(lying)).as("no two examples are alike").hasSize(lying.size());

        List<String> first = flat(read(source, ExampleOrder.shuffled(1)));
        List<String> second = flat(read(source, ExampleOrder.shuffled(2)));

        assertThat(first).containsExactlyInAnyOrderElementsOf(lying).isNotEqualTo(lying);
        assertThat(second).containsExactlyInAnyOrderElementsOf(lying).isNotEqualTo(first);
    }

    @Test
    @DisplayName("rule 2: shuffling moves examples far, not only within a window")
    void shufflesFar() throws Exception {
        ExampleSource source = create();
        List<String> lying = flat(read(source, ExampleOrder.sequential()));
        int half = lying.size() / 2;
        long stayed = 0;
        int shuffles = 40;
        for (long seed = 0; seed < shuffles; seed++) {
            List<String> shuffled = flat(read(source, ExampleOrder.shuffled(seed)));
            // Where the first example came: in the first half in about every second shuffle.
            if (shuffled.indexOf(lying.get(0)) < half) {
                stayed++;
            }
        }
        StatisticalAssertions.assertProbability(stayed, shuffles, (double) half / lying.size(), FALSE_ALARM);
    }

    @Test
    @DisplayName("rule 4: skip leads where reading would have led")
    void skipsAsIfItHadRead() throws Exception {
        ExampleSource source = create();
        for (ExampleOrder order :
                List.of(ExampleOrder.sequential(), ExampleOrder.shuffled(5), ExampleOrder.poissonSampled(5, 0.2, 6))) {
            boolean poisson = order instanceof ExampleOrder.PoissonSampled;
            Batch batch = poisson ? wholeBatch(source) : Batch.of(BATCH, source);
            List<List<String>> all;
            try (BatchReader reader = source.open(order)) {
                all = readOn(reader, batch);
            }
            for (int skipped = 0; skipped <= all.size() + 1; skipped++) {
                try (BatchReader reader = source.open(order)) {
                    reader.skip(skipped, batch);
                    assertThat(readOn(reader, batch))
                            .as("%s after %s batches", order, skipped)
                            .isEqualTo(all.subList(Math.min(skipped, all.size()), all.size()));
                }
            }
            try (BatchReader reader = source.open(order)) {
                reader.read(batch);
                reader.skip(1, batch);
                assertThat(readOn(reader, batch)).isEqualTo(all.subList(2, all.size()));
            }
            try (BatchReader reader = source.open(order)) {
                reader.skip(Long.MAX_VALUE, batch);
                assertThat(reader.read(batch)).isFalse();
            }
        }
    }

    @Test
    @DisplayName("rule 5: several readers read side by side")
    void readersDoNotDisturbEachOther() throws Exception {
        ExampleSource source = create();
        List<List<String>> expectedFirst = read(source, ExampleOrder.shuffled(1));
        List<List<String>> expectedSecond = read(source, ExampleOrder.sequential());
        List<List<String>> first = new ArrayList<>();
        List<List<String>> second = new ArrayList<>();
        Batch firstBatch = Batch.of(BATCH, source);
        Batch secondBatch = Batch.of(BATCH, source);

        try (BatchReader one = source.open(ExampleOrder.shuffled(1));
                BatchReader two = source.open(ExampleOrder.sequential())) {
            while (one.read(firstBatch)) {
                first.add(rows(firstBatch));
                assertThat(two.read(secondBatch)).isTrue();
                second.add(rows(secondBatch));
            }
            assertThat(two.read(secondBatch)).isFalse();
        }

        assertThat(first).isEqualTo(expectedFirst);
        assertThat(second).isEqualTo(expectedSecond);
    }

    @Test
    @DisplayName("rule 5: several threads read at a time")
    void threadsReadAtATime() throws Exception {
        ExampleSource source = create();
        List<List<List<String>>> expected = new ArrayList<>();
        for (long seed = 0; seed < 8; seed++) {
            expected.add(read(source, ExampleOrder.shuffled(seed)));
        }
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Future<List<List<String>>>> reads = new ArrayList<>();
            for (int i = 0; i < 32; i++) {
                long seed = i % 8;
                reads.add(threads.submit(() -> read(source, ExampleOrder.shuffled(seed))));
            }
            for (int i = 0; i < reads.size(); i++) {
                assertThat(reads.get(i).get(60, TimeUnit.SECONDS)).isEqualTo(expected.get(i % 8));
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    @DisplayName("Poisson sampling: takes each example with the rate, independently, for so many batches")
    void samplesEachExampleWithTheRate() throws Exception {
        ExampleSource source = create();
        double rate = 0.3;
        int batches = 200;
        List<String> lying = flat(read(source, ExampleOrder.sequential()));
        List<List<String>> sampled;
        try (BatchReader reader = source.open(ExampleOrder.poissonSampled(7, rate, batches))) {
            sampled = readOn(reader, wholeBatch(source));
        }

        assertThat(sampled).hasSize(batches).allMatch(batch -> new HashSet<>(batch).size() == batch.size());
        List<String> flat = flat(sampled);
        assertThat(lying).containsAll(flat);
        StatisticalAssertions.assertProbability(flat.size(), (long) batches * lying.size(), rate, FALSE_ALARM);
        for (String row : lying.subList(0, 10)) {
            StatisticalAssertions.assertProbability(Collections.frequency(flat, row), batches, rate, FALSE_ALARM);
        }
        // Independent: batches vary in size as binomial numbers do, far from always alike.
        assertThat(sampled.stream().map(List::size).distinct().count()).isGreaterThan(2);
    }

    @Test
    @DisplayName("Poisson sampling: the same seed gives the same batches, and a rate of 1 all examples")
    void samplingIsSeeded() throws Exception {
        ExampleSource source = create();
        Batch batch = wholeBatch(source);
        List<List<List<String>>> twice = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            try (BatchReader reader = source.open(ExampleOrder.poissonSampled(7, 0.4, 5))) {
                twice.add(readOn(reader, batch));
            }
        }

        assertThat(twice.get(1)).isEqualTo(twice.get(0));
        try (BatchReader reader = source.open(ExampleOrder.poissonSampled(7, 1, 2))) {
            assertThat(readOn(reader, batch)).hasSize(2).allMatch(rows -> rows.size() == source.exampleCount());
        }
    }

    @Test
    @DisplayName(
            "Poisson sampling: takes one number per example and batch, in sequential order, and gives those below the rate")
    void samplesByTheNumbersItIsGiven() throws Exception {
        ExampleSource source = create();
        List<String> lying = flat(read(source, ExampleOrder.sequential()));
        int batches = 3;
        int[] taken = {0};
        ExampleOrder order =
                new ExampleOrder.PoissonSampled(7, () -> () -> taken[0]++ * 5 % 7 < 3 ? 0 : 0.9, 0.5, batches);
        List<List<String>> chosen;
        try (BatchReader reader = source.open(order)) {
            chosen = readOn(reader, wholeBatch(source));
        }

        List<List<String>> expected = new ArrayList<>();
        for (int batch = 0; batch < batches; batch++) {
            List<String> rows = new ArrayList<>();
            for (int i = 0; i < lying.size(); i++) {
                if ((batch * lying.size() + i) * 5 % 7 < 3) {
                    rows.add(lying.get(i));
                }
            }
            expected.add(rows);
        }
        assertThat(taken[0]).isEqualTo(batches * lying.size());
        assertThat(chosen).isEqualTo(expected);
    }

    @Test
    @DisplayName("Poisson sampling: batches without examples count")
    void samplesEmptyBatches() throws Exception {
        ExampleSource source = create();
        try (BatchReader reader = source.open(ExampleOrder.poissonSampled(7, 1e-9, 5))) {
            assertThat(readOn(reader, wholeBatch(source))).hasSize(5);
        }
    }

    @Test
    @DisplayName("Poisson sampling: a batch that does not fit fails rather than drop examples")
    void samplingNeverDropsExamples() throws Exception {
        ExampleSource source = create();
        try (BatchReader reader = source.open(ExampleOrder.poissonSampled(7, 1, 1))) {
            Batch small = Batch.of(1, source);
            assertThatThrownBy(() -> reader.read(small)).isInstanceOf(RuntimeException.class);
        }
    }

    @Test
    @DisplayName("an empty source gives no batch")
    void emptySourceGivesNoBatch() throws Exception {
        Optional<ExampleSource> empty = createEmpty();
        assumeTrue(empty.isPresent());
        ExampleSource source = empty.get();

        assertThat(source.exampleCount()).isZero();
        for (ExampleOrder order : List.of(ExampleOrder.sequential(), ExampleOrder.shuffled(5))) {
            assertThat(read(source, order)).isEmpty();
        }
    }
}
