package io.fedlearn.pg.run;

import java.time.Duration;

/**
 * Who leads a run, as the database says.
 *
 * @param holder the name of the coordinator
 * @param term how many times leadership had changed hands when it began, from 1; it never goes down
 * @param remaining how long its lease still lasts by the database's clock; zero or less if it has ended or was released
 */
public record RunLeader(String holder, long term, Duration remaining) {
    /** Whether another may take its place. */
    public boolean isOver() {
        return remaining.isZero() || remaining.isNegative();
    }

    @Override
    public String toString() {
        return "'" + holder + "' in term " + term
                + (isOver() ? ", whose lease has ended" : ", whose lease lasts " + remaining.toMillis() + " ms more");
    }
}
