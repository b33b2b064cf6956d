package io.fedlearn.grpc.client;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.grpc.client.FakeServer.Connection;
import io.fedlearn.grpc.client.FakeServer.Uploaded;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tasks over connections that break. */
@Timeout(180)
class BrokenConnectionsTest extends ClientTestBed {
    private static final ByteString LARGE_VALUES =
            EncodedModel.of(LARGE).payload(Integer.MAX_VALUE).getValues();

    /** The connection over which the client has come and is asked for this task. */
    private Connection asked(Task task) throws InterruptedException {
        Connection connection = server.welcome();
        connection.offer(server.offer(task));
        return connection;
    }

    /** As above, once the client has begun. */
    private Connection begun(Task task) throws InterruptedException {
        Connection connection = asked(task);
        connection.takeStarted(task);
        return connection;
    }

    /** The client's next connection after this one, which breaks; it is asked for this task. */
    private Connection cutAndAsked(Connection connection, Task task) throws InterruptedException {
        connection.cut();
        return asked(task);
    }

    private void awaitDownload() throws InterruptedException {
        assertThat(server.downloads.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .isNotNull();
    }

    @Test
    void comesBackWhenTheConnectionBreaksBeforeItsWelcome() throws Exception {
        Future<Departure> run = join((task, context) -> echo(task));
        server.accept().cut();
        server.accept().cut();
        Connection connection = server.welcome();

        assertThat(end(run, connection).reconnects()).isZero();
    }

    @Test
    void goesOnWithItsTaskWhenTheConnectionBreaks() throws Exception {
        CountDownLatch release = latch();
        CountDownLatch atWork = latch();
        join((task, context) -> {
            atWork.countDown();
            release.await();
            return echo(task);
        });
        Connection connection = begun(task(1));
        await(atWork);
        connection = cutAndAsked(connection, task(1));
        connection.takeStarted(task(1));
        release.countDown();

        connection.takeAnswer(task(1));
        assertThat(calls).hasValue(1);
    }

    @Test
    void answersAfterItCameBackWithWorkThatEndedMeanwhile() throws Exception {
        CountDownLatch release = latch();
        CountDownLatch done = latch();
        join((task, context) -> {
            release.await();
            done.countDown();
            return echo(task);
        });
        Connection connection = begun(task(1));
        connection.cut();
        connection = server.accept();
        release.countDown();
        await(done);
        connection = cutAndAsked(connection, task(1));

        connection.finish(task(1));
        assertThat(calls).hasValue(1);
    }

    @Test
    void sendsTheSameAnswerAgainWithoutWorkingAgain() throws Exception {
        join((task, context) -> ClientUpdate.ofModel(model(3, calls.get()), 1));
        Connection connection = begun(task(1));
        TaskAnswer withoutReceipt = connection.takeAnswer(task(1));

        connection = cutAndAsked(connection, task(1));
        TaskAnswer again = connection.finish(task(1));
        connection = cutAndAsked(connection, task(1));
        TaskAnswer afterReceipt = connection.finish(task(1));

        assertThat(again).isEqualTo(withoutReceipt);
        assertThat(afterReceipt).isEqualTo(withoutReceipt);
        assertThat(calls).hasValue(1);
    }

    @Test
    void worksAnewOnAnotherTaskOfTheSameId() throws Exception {
        join((task, context) -> echo(task));
        Connection connection = asked(task(1));
        connection.finish(task(1));
        Task other = task(1, model(3, 50));
        connection.offer(server.offer(other));

        assertThat(connection.finish(other).getUpdate().getModel().getDigest())
                .isEqualTo(server.offer(other).getModel().getDigest());
        assertThat(calls).hasValue(2);
    }

    @Test
    void dropsItsWorkForAnotherTaskOfTheSameId() throws Exception {
        CountDownLatch atWork = latch();
        Task other = task(1, model(3, 50));
        join((task, context) -> {
            if (task.model().equals(SMALL)) {
                atWork.countDown();
                new CountDownLatch(1).await();
            }
            return echo(task);
        });
        Connection connection = begun(task(1));
        await(atWork);
        connection.offer(server.offer(other));

        assertThat(connection.finish(other).getFingerprint())
                .isEqualTo(server.offer(other).getFingerprint());
    }

    @Test
    void takesADownloadUpWhereItBroke() throws Exception {
        server.breakAfterChunks(3);
        join((task, context) -> echo(task));
        asked(task(1, LARGE));

        assertThat(server.takeUpload().values()).isEqualTo(LARGE_VALUES);
        assertThat(server.downloads).extracting(request -> request.getOffset()).containsExactly(0L, 3072L);
    }

    @Test
    void goesOnWithADownloadOverItsNextConnection() throws Exception {
        server.downloadGate = latch();
        join((task, context) -> echo(task));
        Connection connection = asked(task(1, LARGE));
        awaitDownload();
        connection.cut();
        server.downloadGate.countDown();
        connection = server.welcome();
        assertThat(server.downloads)
                .as("before the server has offered the task again")
                .isEmpty();
        connection.offer(server.offer(task(1, LARGE)));

        connection.takeStarted(task(1));
        assertThat(server.takeUpload().answer().getTaskId()).isEqualTo(task(1).id());
        assertThat(calls).hasValue(1);
    }

    @Test
    void dropsADownloadForWhatARestartedServerAsksInstead() throws Exception {
        server.downloadGate = latch();
        join((task, context) -> echo(task));
        Connection connection = asked(task(1, LARGE));
        awaitDownload();
        connection = cutAndAsked(connection, task(2));

        connection.finish(task(2));
        assertThat(calls).hasValue(1);
    }

    @Test
    void takesAnUploadUpWhereItBroke() throws Exception {
        join((task, context) -> ClientUpdate.ofModel(LARGE, 1));
        Connection connection = server.welcome();
        server.breakAfterChunks(5);
        connection.offer(server.offer(task(1)));

        assertThat(server.takeUpload().values()).isEqualTo(LARGE_VALUES);
        connection.takeStarted(task(1));
        connection.offer(server.offer(task(2)));
        connection.takeStarted(task(2));
    }

    @Test
    void uploadsTheSameAnswerAgainAfterItsReceipt() throws Exception {
        join((task, context) -> ClientUpdate.ofModel(model(5000, calls.get()), 1));
        Connection connection = asked(task(1));
        Uploaded first = server.takeUpload();
        cutAndAsked(connection, task(1));

        assertThat(server.takeUpload()).isEqualTo(first);
        assertThat(calls).hasValue(1);
    }
}
