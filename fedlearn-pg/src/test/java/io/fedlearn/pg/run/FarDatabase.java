package io.fedlearn.pg.run;

import io.fedlearn.testkit.network.FaultyProxy;
import java.net.InetSocketAddress;
import org.postgresql.ds.PGSimpleDataSource;

/** A database behind a network that does what a test says. */
final class FarDatabase implements AutoCloseable {
    private final PGSimpleDataSource direct;
    private final FaultyProxy proxy;

    private FarDatabase(PGSimpleDataSource direct, FaultyProxy proxy) {
        this.direct = direct;
        this.proxy = proxy;
    }

    static FarDatabase of(PGSimpleDataSource direct) {
        return new FarDatabase(
                direct, FaultyProxy.to(new InetSocketAddress(direct.getServerNames()[0], direct.getPortNumbers()[0])));
    }

    FaultyProxy network() {
        return proxy;
    }

    /** The database through the network. */
    PGSimpleDataSource dataSource() {
        PGSimpleDataSource far = new PGSimpleDataSource();
        far.setUrl(direct.getURL());
        far.setUser(direct.getUser());
        far.setPassword(direct.getPassword());
        far.setServerNames(new String[] {proxy.address().getHostString()});
        far.setPortNumbers(new int[] {proxy.address().getPort()});
        far.setConnectTimeout(1);
        return far;
    }

    /** Takes the database away: connections break, and new ones are refused. */
    void takeAway() {
        proxy.refuse();
        proxy.reset();
    }

    void bringBack() {
        proxy.admit();
    }

    @Override
    public void close() {
        proxy.close();
    }
}
