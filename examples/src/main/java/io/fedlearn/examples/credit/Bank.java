package io.fedlearn.examples.credit;

import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.examples.postgres.Databases;
import io.fedlearn.pg.data.PgDataset;

/**
 * A bank with its customers, whose rows stay in its database until they are trained on.
 *
 * @param site where it has them
 * @param reader who may read them and nothing else
 * @param customers all of them
 * @param training four fifths of them
 * @param test the others
 */
record Bank(
        Databases.Site site, HikariDataSource reader, PgDataset customers, ExampleSource training, ExampleSource test) {
    /** What share of a bank's customers is kept to test on: {@value}. */
    static final double TEST_SHARE = 0.2;

    /** Reads the customers of a bank. */
    static Bank open(Databases.Site site, long seed) throws InterruptedException {
        HikariDataSource reader = site.reader(CreditTable.CUSTOMERS.name());
        PgDataset customers = CreditTable.CUSTOMERS.open(site, reader);
        PgDataset.Split split = customers.split(seed, 1 - TEST_SHARE, 0, TEST_SHARE);
        return new Bank(site, reader, customers, split.training(), split.test());
    }

    /** The bank's name: the client's id. */
    String name() {
        return site.name();
    }
}
