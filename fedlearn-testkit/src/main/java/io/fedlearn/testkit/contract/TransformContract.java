package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.PartState;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import io.fedlearn.testkit.generator.ModelGenerator;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Tests the rules of {@link UpdateTransform}; a subclass supplies the transform and says on which side it runs. Numbers in the
 * names of the tests are those of the rules.
 *
 * <p>A transform that adds unseeded noise breaks rule 2 on purpose; this suite is not for it.
 */
public abstract class TransformContract {
    private static final String CLIENT = "client";

    /** For subclasses. */
    protected TransformContract() {}

    /** A new transform, always with the same settings. */
    protected abstract UpdateTransform create();

    /** Whether the transform runs at the client, and so finds the client's state in its context. By default it does. */
    protected boolean runsAtClient() {
        return true;
    }

    /** The global model that updates start from. */
    protected Model global() {
        return ModelGenerator.of(1).nextModerate(ModelGenerator.networkSpec());
    }

    /** An update that the transform works on; the same for the same seed. By default a model of the global model's form. */
    protected ClientUpdate update(long seed) {
        return ModelGenerator.of(seed).nextUpdate(global().spec());
    }

    private TransformContext context(int round, ClientState state) {
        return new TransformContext(
                CLIENT,
                round,
                SeededRandom.derive(5, round),
                global(),
                runsAtClient() ? Optional.of(state) : Optional.empty());
    }

    private Map<String, Object> apply(UpdateTransform transform, int round, ClientState state) {
        return Bits.copyOf(transform.apply(update(round), context(round, state)));
    }

    @Test
    @DisplayName("rule 1: the given update is not changed")
    void leavesTheUpdateAsItIs() {
        ClientUpdate update = update(1);
        Map<String, Object> before = Bits.copyOf(update);
        Model global = global();
        Model globalBefore = Bits.copyOf(global);

        create().apply(
                        update,
                        new TransformContext(
                                CLIENT,
                                1,
                                7,
                                global,
                                runsAtClient() ? Optional.of(new Contexts.Memory()) : Optional.empty()));

        assertThat(Bits.copyOf(update)).isEqualTo(before);
        assertThat(Bits.copyOf(global)).isEqualTo(globalBefore);
    }

    @Test
    @DisplayName("rule 2: the same update and context give the same bits")
    void sameUpdateGivesSameBits() {
        Map<String, Object> first = apply(create(), 1, new Contexts.Memory());

        assertThat(apply(create(), 1, new Contexts.Memory())).isEqualTo(first);
    }

    @Test
    @DisplayName("rule 2: a round that did not count is done again with the same bits")
    void aRepeatedRoundGivesSameBits() {
        if (!runsAtClient()) {
            return;
        }
        Contexts.Memory state = new Contexts.Memory();
        apply(create(), 1, state);
        state.accept();
        Map<String, Object> second = apply(create(), 2, state);

        state.reject();

        assertThat(apply(create(), 2, state)).isEqualTo(second);
    }

    @Test
    @DisplayName("rule 3: what is kept between rounds survives in the client's state, or in the snapshot")
    void keepsNothingElsewhere() {
        UpdateTransform lasting = create();
        Contexts.Memory lastingState = new Contexts.Memory();
        Contexts.Memory state = new Contexts.Memory();
        PartState kept = PartState.empty();
        List<Map<String, Object>> expected = new ArrayList<>();
        List<Map<String, Object>> actual = new ArrayList<>();

        for (int round = 1; round <= 4; round++) {
            expected.add(apply(lasting, round, lastingState));
            lastingState.accept();
            UpdateTransform fresh = create();
            fresh.restore(kept);
            actual.add(apply(fresh, round, state));
            state = state.accept().copy();
            kept = Bits.copyOf(fresh.snapshot());
        }

        assertThat(actual).isEqualTo(expected);
        assertThat(state.values()).isEqualTo(lastingState.values());
    }

    @Test
    @DisplayName("description: names the transform, the same each time")
    void describesItself() {
        assertThat(create().description()).isNotBlank().isEqualTo(create().description());
    }
}
