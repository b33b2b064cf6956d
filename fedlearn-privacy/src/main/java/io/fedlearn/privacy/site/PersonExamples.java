package io.fedlearn.privacy.site;

import io.fedlearn.core.training.ExampleSource;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Examples and whose they are: the unit that training at a site protects. A person may have any number of records; each step takes
 * at most {@link #mostRecords()} of them, drawn anew, and their mean gradient counts as one. Immutable; as thread-safe as the source.
 */
public final class PersonExamples {
    /** Default of {@link #mostRecords()}: {@value}. */
    public static final int DEFAULT_MOST_RECORDS = 32;

    private final ExampleSource source;
    /** The places of records, person after person; person {@code p}'s start at {@code starts[p]}. */
    private final int[] records;

    private final int[] starts;
    private final int mostRecords;
    private final boolean recordsArePersons;

    private PersonExamples(
            ExampleSource source, int[] records, int[] starts, int mostRecords, boolean recordsArePersons) {
        this.source = source;
        this.records = records;
        this.starts = starts;
        this.mostRecords = mostRecords;
        this.recordsArePersons = recordsArePersons;
    }

    /**
     * Each record is a unit of its own. Whoever has several records in the source is protected less: use {@link #of} then.
     */
    public static PersonExamples ofRecords(ExampleSource source) {
        int count = Math.toIntExact(source.exampleCount());
        int[] all = new int[count + 1];
        Arrays.setAll(all, i -> i);
        return new PersonExamples(source, all, all, 1, true);
    }

    /**
     * Records of persons.
     *
     * @param source whose sequential order the list follows
     * @param personOfRecord for each record something that is equal for records of one person, such as a patient's number
     * @throws IllegalArgumentException if they are not as many as the source has examples, or one names nobody: records of
     *     several persons would count as one person's, who could then move a gradient by more than what is accounted for
     */
    public static PersonExamples of(ExampleSource source, List<?> personOfRecord) {
        if (personOfRecord.size() != source.exampleCount()) {
            throw new IllegalArgumentException("personOfRecord must have one entry for each of the "
                    + source.exampleCount() + " records, had " + personOfRecord.size());
        }
        Map<Object, Integer> numbers = new HashMap<>();
        int[] person = new int[personOfRecord.size()];
        for (int record = 0; record < person.length; record++) {
            if (personOfRecord.get(record) == null
                    || personOfRecord.get(record).toString().isEmpty()) {
                throw new IllegalArgumentException(
                        "personOfRecord must name a person for every record, did not for record " + record);
            }
            person[record] = numbers.computeIfAbsent(personOfRecord.get(record), key -> numbers.size());
        }
        int[] starts = new int[numbers.size() + 1];
        for (int each : person) {
            starts[each + 1]++;
        }
        for (int p = 0; p < numbers.size(); p++) {
            starts[p + 1] += starts[p];
        }
        int[] records = new int[person.length];
        int[] next = starts.clone();
        for (int record = 0; record < person.length; record++) {
            records[next[person[record]]++] = record;
        }
        return new PersonExamples(source, records, starts, DEFAULT_MOST_RECORDS, false);
    }

    /**
     * The same with another limit to the records that one person has in one step: what a step costs in time, not in privacy.
     *
     * @param most at least 1
     */
    public PersonExamples withMostRecords(int most) {
        if (most < 1) {
            throw new IllegalArgumentException("mostRecords must be >= 1, was " + most);
        }
        return new PersonExamples(source, records, starts, most, recordsArePersons);
    }

    /** The records. */
    public ExampleSource source() {
        return source;
    }

    /** How many persons there are. This is the site's own knowledge, and must not leave it. */
    public int personCount() {
        return starts.length - 1;
    }

    /** The most records of a person that one step takes. */
    public int mostRecords() {
        return mostRecords;
    }

    /** What is protected, in a word: {@code record} or {@code person}. */
    public String unit() {
        return recordsArePersons ? "record" : "person";
    }

    int recordCount(int person) {
        return starts[person + 1] - starts[person];
    }

    int record(int person, int number) {
        return records[starts[person] + number];
    }
}
