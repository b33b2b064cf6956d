package io.fedlearn.aggregators.transform;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.update.UpdateTransform;
import io.fedlearn.testkit.contract.TransformContract;
import org.junit.jupiter.api.Nested;

/** The contract of update transforms for every codec, at both ends. */
class CodecContractTest {
    abstract static class Encoding extends TransformContract {
        abstract Codec codec();

        @Override
        protected UpdateTransform create() {
            return Codecs.encoder(codec());
        }
    }

    abstract static class Decoding extends TransformContract {
        abstract Codec codec();

        @Override
        protected UpdateTransform create() {
            return codec().decoder();
        }

        @Override
        protected boolean runsAtClient() {
            return false;
        }

        @Override
        protected ClientUpdate update(long seed) {
            return Codecs.encode(codec(), super.update(seed), global(), seed);
        }
    }

    @Nested
    class Float16Encoder extends Encoding {
        @Override
        Codec codec() {
            return ReducedPrecision.float16();
        }
    }

    @Nested
    class Float16Decoder extends Decoding {
        @Override
        Codec codec() {
            return ReducedPrecision.float16();
        }
    }

    @Nested
    class Bfloat16Encoder extends Encoding {
        @Override
        Codec codec() {
            return ReducedPrecision.bfloat16();
        }
    }

    @Nested
    class Bfloat16Decoder extends Decoding {
        @Override
        Codec codec() {
            return ReducedPrecision.bfloat16();
        }
    }

    @Nested
    class QuantizationEncoder extends Encoding {
        @Override
        Codec codec() {
            return StochasticQuantization.withBlockSize(7);
        }
    }

    @Nested
    class QuantizationDecoder extends Decoding {
        @Override
        Codec codec() {
            return StochasticQuantization.withBlockSize(7);
        }
    }

    @Nested
    class TopKEncoder extends Encoding {
        @Override
        Codec codec() {
            return TopK.withShare(0.3);
        }
    }

    @Nested
    class TopKDecoder extends Decoding {
        @Override
        Codec codec() {
            return TopK.withShare(0.3);
        }
    }

    @Nested
    class RandomMaskEncoder extends Encoding {
        @Override
        Codec codec() {
            return RandomMask.withShare(0.5);
        }
    }

    @Nested
    class RandomMaskDecoder extends Decoding {
        @Override
        Codec codec() {
            return RandomMask.withShare(0.5);
        }
    }
}
