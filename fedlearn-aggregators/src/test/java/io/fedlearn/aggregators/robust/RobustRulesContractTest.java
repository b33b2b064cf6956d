package io.fedlearn.aggregators.robust;

import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.testkit.contract.AggregatorContract;
import org.junit.jupiter.api.Nested;

/** The aggregator's contract, over every rule in several configurations. */
class RobustRulesContractTest {
    @Nested
    class Median extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return CoordinateMedian.aggregator().get();
        }
    }

    @Nested
    class MedianOfAnEvenNumber extends Median {
        @Override
        protected int cohortSize() {
            return 6;
        }
    }

    @Nested
    class MedianOfOne extends Median {
        @Override
        protected int cohortSize() {
            return 1;
        }
    }

    @Nested
    class MedianOfMany extends Median {
        @Override
        protected int cohortSize() {
            return 20;
        }
    }

    @Nested
    class Trimmed extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return TrimmedMean.aggregatorWithTrimmedShare(0.2).get();
        }
    }

    @Nested
    class TrimmedNothing extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return TrimmedMean.aggregator(0).get();
        }
    }

    @Nested
    class TrimmedAsMuchAsCanBe extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return TrimmedMean.aggregator(3).get();
        }
    }

    @Nested
    class KrumBearingTwo extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return Krum.aggregator(2).get();
        }
    }

    @Nested
    class MultiKrumBearingTwo extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return MultiKrum.aggregator(2).get();
        }
    }

    @Nested
    class MultiKrumOfThree extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return MultiKrum.aggregator(1, 3).get();
        }
    }

    @Nested
    class BulyanBearingNone extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return Bulyan.aggregator(0).get();
        }
    }

    @Nested
    class BulyanBearingOne extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return Bulyan.aggregator(1).get();
        }
    }

    @Nested
    class BulyanBearingThree extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return Bulyan.aggregator(3).get();
        }

        @Override
        protected int cohortSize() {
            return 16;
        }
    }

    @Nested
    class Rfa extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return GeometricMedian.aggregator().get();
        }
    }

    @Nested
    class RfaOfOneIteration extends AggregatorContract {
        @Override
        protected Aggregator create() {
            return GeometricMedian.builder()
                    .iterations(1)
                    .smoothing(0.5)
                    .aggregator()
                    .get();
        }
    }
}
