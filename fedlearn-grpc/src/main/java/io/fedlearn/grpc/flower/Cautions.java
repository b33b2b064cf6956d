package io.fedlearn.grpc.flower;

import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.training.LocalCorrection;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What may not work as expected at Flower's clients, in sentences for a person. Thread-safe. */
final class Cautions {
    private static final Logger LOG = System.getLogger(FlowerServer.class.getName());

    private final TensorNames names;
    private final Set<String> warned = ConcurrentHashMap.newKeySet();

    Cautions(TensorNames names) {
        this.names = names;
    }

    /** What is to be said of a strategy before its run. */
    List<String> of(Strategy strategy, boolean hasModel) {
        List<String> cautions = new ArrayList<>();
        for (String setting :
                List.of(TrainingSettings.MU, LocalTrainingClient.REPORT_LOSS_BEFORE, LocalCorrection.SETTING)) {
            Object value = strategy.clientConfig().asMap().get(setting);
            if (value != null && isOn(value)) {
                cautions.add(caution(setting, value));
            }
        }
        Object optimizer = strategy.settings().asMap().get("serverOptimizer");
        if (!hasModel
                && !names.isGiven()
                && !ServerOptimizer.identity().description().equals(optimizer)) {
            cautions.add("strategy " + strategy.name() + " has a server optimizer, which must leave batch-norm"
                    + " statistics alone; Flower's clients do not say which tensors those are, so all floating-point"
                    + " tensors are taken for weights: give tensor names with roles if the model has such statistics");
        }
        return cautions;
    }

    private static boolean isOn(Object value) {
        return value instanceof Number number ? number.doubleValue() > 0 : !Boolean.FALSE.equals(value);
    }

    private static String caution(String setting, Object value) {
        String also = setting.equals(TrainingSettings.MU) ? " and '" + FlowerDuties.PROXIMAL_MU + "'" : "";
        return "Flower's clients are told '" + setting + "'" + also + " = " + value
                + ", which has an effect only if the client's own code reads it";
    }

    /** Tells once of each setting that Flower's clients may not honour. */
    void warn(Task task) {
        for (String setting :
                List.of(TrainingSettings.MU, LocalTrainingClient.REPORT_LOSS_BEFORE, LocalCorrection.SETTING)) {
            Object value = task.config().asMap().get(setting);
            if (value != null && isOn(value) && warned.add(setting)) {
                String caution = caution(setting, value);
                LOG.log(Level.WARNING, () -> "run " + task.runId() + ": " + caution);
            }
        }
        if (task.kind().equals(TaskKind.INITIAL_MODEL)
                && !names.isGiven()
                && warned.add(TaskKind.INITIAL_MODEL.name())) {
            LOG.log(
                    Level.INFO,
                    () -> "run " + task.runId()
                            + ": tensors are named by their places and have the roles of their types; batch-norm"
                            + " statistics, if there are any, count as weights");
        }
    }
}
