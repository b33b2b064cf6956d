package io.fedlearn.grpc.client;

import com.google.protobuf.ByteString;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.runtime.TaskRunner;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.grpc.client.Sessions.SessionOverException;
import io.fedlearn.grpc.client.TaskBoard.Key;
import io.fedlearn.grpc.internal.threads.Daemons;
import io.fedlearn.grpc.internal.transfer.Downloader;
import io.fedlearn.grpc.internal.transfer.TransferConnection;
import io.fedlearn.grpc.internal.transfer.TransferException;
import io.fedlearn.grpc.internal.transfer.TransferObserver;
import io.fedlearn.grpc.internal.transfer.TransferSettings;
import io.fedlearn.grpc.internal.transfer.Uploader;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.metrics.TransportMetrics.Content;
import io.fedlearn.grpc.proto.v1.Group;
import io.fedlearn.grpc.proto.v1.Payload;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Does what takes long: brings a task's model, has the client work on it, and sends large answers, on threads that can be
 * interrupted. What comes of it is an {@link Event}. Its methods are confined to one thread, but for
 * {@link #isOwnThread}.
 */
final class TaskWorker {
    /** How far work is. */
    record Progress(long job, long done, long total) {}

    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Client client;
    private final TaskRunner runner;
    private final Sessions sessions;
    private final TransportMetrics metrics;
    private final Consumer<Event> events;
    private final Executor executor;
    private final Optional<ExecutorService> ownedExecutor;
    private final AtomicReference<Optional<Progress>> progress = new AtomicReference<>(Optional.empty());

    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

    private Optional<Work> work = Optional.empty();
    private Optional<Upload> upload = Optional.empty();

    // The model that was downloaded last. Only the one job that is at work touches it; events and the executor hand it
    // over from one to the next.
    private Optional<Downloaded> lastModel = Optional.empty();

    private record Downloaded(ByteString digest, Model model) {}

    TaskWorker(
            Client client,
            TaskRunner runner,
            Sessions sessions,
            TransportMetrics metrics,
            Optional<Executor> executor,
            Consumer<Event> events) {
        this.client = client;
        this.runner = runner;
        this.sessions = sessions;
        this.metrics = metrics;
        this.events = events;
        if (executor.isPresent()) {
            this.executor = executor.get();
            this.ownedExecutor = Optional.empty();
        } else {
            ExecutorService own = Executors.newCachedThreadPool(Daemons.named("fedlearn-site"));
            this.executor = own;
            this.ownedExecutor = Optional.of(own);
        }
    }

    /**
     * Begins with a task, once earlier work has ended.
     *
     * @param task without its models
     */
    void begin(long number, Key key, TaskOffer offer, Task.Builder task) {
        stopUpload();
        Work job = new Work(number, key, offer, task);
        work = Optional.of(job);
        progress.set(Optional.empty());
        start(job, e -> new Event.Lost(number, ClientOutcome.Failed.of(e).reason()));
    }

    /** Interrupts the work of this number, if it is at work. */
    void interrupt(long number) {
        work.filter(job -> job.number == number).ifPresent(Job::cancel);
    }

    /** Sends an answer whose values go beside the messages. */
    void upload(Key key, Answer answer, TransferConnection session) {
        stopUpload();
        Upload job = new Upload(key, answer, session);
        upload = Optional.of(job);
        start(
                job,
                e -> new Event.NotUploaded(
                        key, session, ClientOutcome.Failed.of(e).reason()));
    }

    /** Gives up sending, if something is being sent, and lets go of what was sent last. */
    void stopUpload() {
        upload.ifPresent(Job::cancel);
        upload = Optional.empty();
    }

    private void start(Job job, Function<RejectedExecutionException, Event> refused) {
        try {
            executor.execute(job);
        } catch (RejectedExecutionException e) {
            events.accept(refused.apply(e));
        }
    }

    /** Whether the calling thread is at work for this client. */
    boolean isOwnThread() {
        return threads.contains(Thread.currentThread());
    }

    /** How far the work is since this was asked last. */
    Optional<Progress> takeProgress() {
        return progress.getAndSet(Optional.empty());
    }

    private void report(long number, long done, long total) {
        if (done >= 0
                && total >= 0
                && progress.getAndSet(Optional.of(new Progress(number, done, total)))
                        .isEmpty()) {
            events.accept(new Event.Progressed());
        }
    }

    /** Interrupts everything, and waits a moment for threads of its own to end. */
    void close() {
        work.ifPresent(Job::cancel);
        stopUpload();
        ownedExecutor.ifPresent(own -> {
            own.shutdownNow();
            boolean interrupted = false;
            try {
                own.awaitTermination(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** Something that a thread of the executor does and another may interrupt. */
    private abstract class Job implements Runnable {
        private final ReentrantLock lock = new ReentrantLock();
        // Guarded by lock.
        private Optional<Thread> thread = Optional.empty();
        private volatile boolean cancelled;

        /** Does it, and says what came of it. */
        abstract Event perform();

        boolean isCancelled() {
            return cancelled;
        }

        @Override
        public void run() {
            at(Optional.of(Thread.currentThread()));
            threads.add(Thread.currentThread());
            Event outcome;
            try {
                outcome = perform();
            } finally {
                threads.remove(Thread.currentThread());
                at(Optional.empty());
                // An interrupt meant for this job must not hit what the thread does next.
                if (cancelled || ownedExecutor.isPresent()) {
                    Thread.interrupted();
                }
            }
            events.accept(outcome);
        }

        private void at(Optional<Thread> place) {
            lock.lock();
            try {
                thread = place;
            } finally {
                lock.unlock();
            }
        }

        void cancel() {
            lock.lock();
            try {
                cancelled = true;
                thread.ifPresent(Thread::interrupt);
            } finally {
                lock.unlock();
            }
        }
    }

    private final class Work extends Job {
        private final long number;
        private final Key key;
        private final TaskOffer offer;
        private final Task.Builder task;

        Work(long number, Key key, TaskOffer offer, Task.Builder task) {
            this.number = number;
            this.key = key;
            this.offer = offer;
            this.task = task;
        }

        @Override
        Event perform() {
            if (isCancelled()) {
                return new Event.Lost(number, "the task was cancelled");
            }
            try {
                Task whole = withModels();
                ClientOutcome outcome =
                        runner.run(client, whole, (done, total) -> report(number, done, total), this::isCancelled);
                if (isCancelled()) {
                    return new Event.Lost(number, "the task was cancelled");
                }
                return new Event.Worked(number, Answer.of(outcome));
            } catch (InterruptedException e) {
                return new Event.Lost(number, "the task was interrupted");
            } catch (TransferException e) {
                return new Event.Lost(number, String.valueOf(e.getMessage()));
            } catch (RuntimeException | Error e) {
                // Errors too: a model for which there is no room must not leave the server waiting.
                return new Event.Lost(number, ClientOutcome.Failed.of(e).reason());
            }
        }

        private Task withModels() throws InterruptedException {
            Downloader downloader = Downloader.of(
                    sessions.where(key, () -> metrics.transferResumed(Content.MODEL)),
                    TransferSettings.DEFAULT_IDLE_TIMEOUT,
                    TransferObserver.NONE);
            // A copy, because this job is remembered until the next, and the models are not to be.
            Task.Builder whole = task.build().toBuilder();
            ByteString digest = offer.getModel().getDigest();
            if (lastModel.isEmpty() || !lastModel.get().digest().equals(digest)) {
                // Before the next is downloaded, so that there are never two.
                lastModel = Optional.empty();
                lastModel = Optional.of(new Downloaded(digest, fetch(downloader, offer.getModel())));
            }
            Model model = lastModel.orElseThrow().model();
            whole.model(model);
            for (Group group : offer.getTensorsList()) {
                Payload payload = group.getPayload();
                whole.tensors(group.getName(), payload.getDigest().equals(digest) ? model : fetch(downloader, payload));
            }
            return whole.build();
        }

        private Model fetch(Downloader downloader, Payload payload) throws InterruptedException {
            long start = System.nanoTime();
            Model model = downloader.fetch(payload);
            if (!payload.hasValues()) {
                metrics.transferred(Content.MODEL, Duration.ofNanos(System.nanoTime() - start));
            }
            return model;
        }
    }

    private final class Upload extends Job {
        private final Key key;
        private final Answer answer;
        private final TransferConnection session;

        Upload(Key key, Answer answer, TransferConnection session) {
            this.key = key;
            this.answer = answer;
            this.session = session;
        }

        @Override
        Event perform() {
            Uploader uploader = Uploader.of(
                    sessions.only(session, () -> metrics.transferResumed(Content.ANSWER)),
                    TransferSettings.DEFAULT_IDLE_TIMEOUT,
                    TransferObserver.NONE);
            try {
                if (isCancelled()) {
                    return new Event.NotUploaded(key, session, "it was called off");
                }
                long start = System.nanoTime();
                Event.Uploaded uploaded =
                        new Event.Uploaded(key, uploader.send(answer.announcement(key), answer.models()));
                metrics.transferred(Content.ANSWER, Duration.ofNanos(System.nanoTime() - start));
                return uploaded;
            } catch (InterruptedException e) {
                return new Event.NotUploaded(key, session, "it was called off");
            } catch (SessionOverException | TransferException e) {
                return new Event.NotUploaded(key, session, String.valueOf(e.getMessage()));
            } catch (RuntimeException | Error e) {
                return new Event.NotUploaded(
                        key, session, ClientOutcome.Failed.of(e).reason());
            }
        }
    }
}
