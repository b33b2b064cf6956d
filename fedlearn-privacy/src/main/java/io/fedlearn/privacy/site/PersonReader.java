package io.fedlearn.privacy.site;

import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Fetches the records of chosen persons out of any source, by way of the numbers of a Poisson-sampled order. One reader stays open
 * for all steps of a round. Confined to one thread at a time.
 */
final class PersonReader implements AutoCloseable {
    /** Below this rate a number chooses its record. */
    private static final double RATE = 0.5;

    private static final double YES = 0;
    private static final double NO = Math.nextDown(1.0);

    /** How many records are read at a time, if a person has no more. */
    private static final int CHUNK = 256;

    private final PersonExamples persons;
    private final NoiseSource secret;
    private final BatchReader reader;
    private final BitSet wanted = new BitSet();
    private final Batch chunk;
    private final Batch own;
    /** Of the records in the chunk, person after person; and the same in the source's order. */
    private final int[] places;

    private int[] sorted = {};
    private int asked;

    PersonReader(PersonExamples persons, NoiseSource secret) {
        this.persons = persons;
        this.secret = secret;
        int most = persons.mostRecords();
        this.chunk = Batch.of(Math.max(CHUNK, most), persons.source());
        this.own = Batch.of(most, persons.source());
        this.places = new int[chunk.capacity()];
        // The seed varies what a source augments: secret, so that what one person adds tells nothing of another's.
        this.reader = persons.source()
                .open(new ExampleOrder.PoissonSampled(
                        secret.nextLong(), () -> () -> wanted.get(asked++) ? YES : NO, RATE, Long.MAX_VALUE));
    }

    /** What is done with a person's records. */
    interface Visitor {
        void visit(Batch records);
    }

    /** Visits each of these persons once, with at most as many records as a step may take; the batch is reused. */
    void forEach(int[] chosen, int count, Visitor visitor) {
        int first = 0;
        while (first < count) {
            int size = 0;
            int last = first;
            while (last < count && size + taken(chosen[last]) <= chunk.capacity()) {
                size = draw(chosen[last], size);
                last++;
            }
            read(size);
            int at = 0;
            for (int i = first; i < last; i++) {
                int records = taken(chosen[i]);
                gather(at, records);
                visitor.visit(own);
                at += records;
            }
            first = last;
        }
    }

    private int taken(int person) {
        return Math.min(persons.recordCount(person), persons.mostRecords());
    }

    /** Puts the places of the person's records behind the {@code size} that are there: all, or some drawn at random. */
    private int draw(int person, int size) {
        int total = persons.recordCount(person);
        int left = taken(person);
        int end = size + left;
        for (int i = 0; left > 0; i++) {
            if (left == total - i || secret.nextLong(total - i) < left) {
                places[size + --left] = persons.record(person, i);
            }
        }
        return end;
    }

    private void read(int size) {
        wanted.clear();
        for (int i = 0; i < size; i++) {
            wanted.set(places[i]);
        }
        sorted = Arrays.copyOf(places, size);
        Arrays.sort(sorted);
        asked = 0;
        if (!reader.read(chunk)
                || chunk.size() != size
                || asked != persons.source().exampleCount()) {
            throw new IllegalStateException("the source gave other examples than those it was asked for");
        }
    }

    /** Copies a person's records out of the chunk, which has them in the source's order. */
    private void gather(int from, int records) {
        int features = chunk.featureLength();
        int targets = chunk.targetLength();
        for (int i = 0; i < records; i++) {
            int row = Arrays.binarySearch(sorted, places[from + i]);
            System.arraycopy(chunk.features(), row * features, own.features(), i * features, features);
            System.arraycopy(chunk.targets(), row * targets, own.targets(), i * targets, targets);
        }
        own.resize(records);
    }

    @Override
    public void close() {
        reader.close();
    }
}
