package io.fedlearn.aggregators.transform;

import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.TreeMap;

/** Both ends of codecs, without a federation between them. */
final class Codecs {
    private Codecs() {}

    /** The encoder as a client finds it. */
    static UpdateTransform encoder(Codec codec) {
        return ServiceLoader.load(UpdateTransform.Factory.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(factory -> factory.name().equals(codec.encoder().name()))
                .findFirst()
                .orElseThrow()
                .create(codec.encoder().settings());
    }

    /** What a client's first round makes of this update. */
    static ClientUpdate encode(Codec codec, ClientUpdate update, Model global, long seed) {
        return encode(codec, update, global, seed, new State());
    }

    static ClientUpdate encode(Codec codec, ClientUpdate update, Model global, long seed, State state) {
        return encoder(codec).apply(update, new TransformContext("a", 1, seed, global, Optional.of(state)));
    }

    static ClientUpdate decode(Codec codec, ClientUpdate update, Model global) {
        return codec.decoder().apply(update, new TransformContext("a", 1, 0, global, Optional.empty()));
    }

    /** A model delta with one trainable 'w', and its global model of zeros. */
    static Model model(float... values) {
        return Model.builder().trainable("w", Tensor.copyOf(values)).build();
    }

    /** A client's state of which every round counts. */
    static final class State implements ClientState {
        final Map<String, Model> values = new TreeMap<>();

        @Override
        public Optional<Model> load(String name) {
            return Optional.ofNullable(values.get(name));
        }

        @Override
        public void save(String name, Model value) {
            values.put(name, value);
        }
    }
}
