package io.fedlearn.aggregators;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorData;
import io.fedlearn.core.tensor.TensorType;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;

/** Two rounds of a federation with a large model: strategy, where updates lie, clients, parameters. */
public final class BoundedMemoryProgram {
    private static final int TENSORS = 4;

    private BoundedMemoryProgram() {}

    /** Runs the rounds and says how many there were. */
    public static void main(String[] arguments) throws InterruptedException {
        boolean onHeap = arguments[1].equals("heap");
        int clients = Integer.parseInt(arguments[2]);
        Strategy strategy = switch (arguments[0]) {
            case "FedAvg" -> FedAvg.create();
            case "FedAdam" -> FedAdam.create();
            case "FedDyn" -> FedDyn.of(clients, 0.1);
            case "SCAFFOLD" -> Scaffold.withClients(clients);
            default -> throw new IllegalArgumentException("no strategy " + arguments[0]);
        };
        int length = Math.toIntExact(Long.parseLong(arguments[3]) / TENSORS);
        Model.Builder initial = Model.builder();
        for (int i = 0; i < TENSORS; i++) {
            initial.trainable("layer" + i, Tensor.zeros(TensorType.FLOAT32, Shape.of(length)));
        }
        CountDownLatch others = new CountDownLatch(onHeap ? clients - 1 : 0);
        Map<String, Client> sites = new TreeMap<>();
        for (int i = 0; i < clients; i++) {
            boolean isFirst = i == 0;
            sites.put("site-" + (100 + i), (task, context) -> {
                if (isFirst) {
                    others.await();
                }
                others.countDown();
                ClientUpdate update = ClientUpdate.ofModel(onHeap ? heapCopy(task) : generated(task), 1);
                return strategy.name().equals(Scaffold.NAME)
                        ? update.withTensors(Scaffold.CHANGE, generated(task))
                        : update;
            });
        }
        Run run = Federation.of(sites)
                .strategy(strategy)
                .initialModel(initial.build())
                .rounds(2)
                .evaluateEvery(0)
                // The first client waits on one thread while the others answer on the second.
                .parallelism(onHeap ? 2 : 1)
                .run();
        System.out.println("rounds " + run.records().size() + " " + run.model().digest());
    }

    private static Model heapCopy(Task task) {
        List<Tensor> tensors = new ArrayList<>();
        for (Tensor tensor : task.model().tensors()) {
            tensors.add(Tensor.wrap(tensor.toFloatArray()));
        }
        return Model.of(task.model().spec(), tensors);
    }

    /** A model whose values take no memory: they are made when they are read. */
    private static Model generated(Task task) {
        List<Tensor> tensors = new ArrayList<>();
        for (Tensor tensor : task.model().tensors()) {
            tensors.add(Tensor.of(TensorType.FLOAT32, tensor.shape(), new Generated(task.seed())));
        }
        return Model.of(task.model().spec(), tensors);
    }

    private record Generated(long seed) implements TensorData {
        @Override
        public void read(long byteOffset, ByteBuffer target) {
            for (long at = byteOffset / Float.BYTES; target.remaining() >= Float.BYTES; at++) {
                target.putFloat((seed + at & 0xff) / 256f);
            }
        }
    }
}
