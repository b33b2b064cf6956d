package io.fedlearn.examples.conformance;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.testkit.fault.ALittleIsEnough;
import io.fedlearn.testkit.fault.Fault;
import io.fedlearn.testkit.fault.FaultyClient;
import io.fedlearn.testkit.fault.FlippedLabels;
import java.util.Map;
import java.util.TreeMap;

/** What attackers do. */
enum Attack {
    /** Nothing: everybody is honest. */
    NONE("none"),
    /** Noise in place of a model. */
    GAUSSIAN("gaussian"),
    /** The trained step, the other way and further. */
    SIGN_FLIP("sign flip"),
    /** Honest training on examples whose digit {@code y} became {@code 9 - y}. */
    LABEL_FLIP("label flip"),
    /** As label flip, claimed to rest on very many examples. */
    INFLATED_COUNT("inflated count"),
    /** A lie that hides in the deviations of honest updates. */
    A_LITTLE_IS_ENOUGH("little is enough");

    /** Standard deviation of {@link #GAUSSIAN}'s noise: {@value}. */
    static final double DEVIATION = 10;

    /** How far {@link #SIGN_FLIP} goes: {@value} times the trained step. */
    static final double FACTOR = 10;

    /** How many examples {@link #INFLATED_COUNT} claims: {@value}. */
    static final long CLAIMED = 1_000_000;

    /** How many standard deviations {@link #A_LITTLE_IS_ENOUGH} goes: {@value}. */
    static final double DEVIATIONS = 1.5;

    private static final int CLASSES = 10;

    private final String words;

    Attack(String words) {
        this.words = words;
    }

    /** The attackers' clients in place of their honest ones, by id. */
    Map<String, Client> by(Map<String, Site> sites) {
        Map<String, Client> honest = new TreeMap<>();
        sites.forEach((id, site) -> honest.put(id, site.honest()));
        if (this == A_LITTLE_IS_ENOUGH) {
            return ALittleIsEnough.of(honest, DEVIATIONS).clients();
        }
        Map<String, Client> clients = new TreeMap<>();
        sites.forEach((id, site) -> clients.put(id, of(site)));
        return clients;
    }

    private Client of(Site site) {
        return switch (this) {
            case NONE, A_LITTLE_IS_ENOUGH -> site.honest();
            case GAUSSIAN -> FaultyClient.around(site.honest()).always(Fault.gaussianNoise(DEVIATION));
            case SIGN_FLIP -> FaultyClient.around(site.honest()).always(Fault.signFlip(FACTOR));
            case LABEL_FLIP -> onFlippedLabels(site);
            case INFLATED_COUNT -> FaultyClient.around(onFlippedLabels(site)).always(Fault.exampleCount(CLAIMED));
        };
    }

    private static Client onFlippedLabels(Site site) {
        return LocalTrainingClient.of(site.models(), FlippedLabels.of(site.training(), CLASSES));
    }

    @Override
    public String toString() {
        return words;
    }
}
