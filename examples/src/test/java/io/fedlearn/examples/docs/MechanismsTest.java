package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.mechanism.GaussianMechanism;
import io.fedlearn.privacy.mechanism.RandomizedResponse;
import io.fedlearn.privacy.mechanism.SparseVector;
import org.junit.jupiter.api.Test;

/** Code of {@code docs/privacy/mechanisms.md}. */
final class MechanismsTest {
    @Test
    void releasesAModel() {
        Model sum = Model.builder().trainable("w", Tensor.wrap(new float[100])).build();
        // tag::gaussian[]
        GaussianMechanism mechanism = GaussianMechanism.builder()
                .relation(NeighboringRelation.ADD_OR_REMOVE_ONE)
                .l2Sensitivity(1.0) // what clipping leaves of one person
                .calibrated(1.0, 1e-5) // or noiseMultiplier(3.73)
                .build();
        PrivacyEvent event = mechanism.event(); // debit this first
        Model released = mechanism.release(sum);
        // end::gaussian[]
        assertThat(event).isEqualTo(new PrivacyEvent.Gaussian(mechanism.noiseMultiplier()));
        assertThat(released.spec()).isEqualTo(sum.spec());
        assertThat(released).isNotEqualTo(sum);
    }

    @Test
    void asksPersonsWithoutBelievingThem() {
        // tag::response[]
        RandomizedResponse response = RandomizedResponse.withEpsilon(1.0, 3); // three answers to choose from
        int told = response.respond(2); // at the person's own device
        double[] estimate = response.estimate(new long[] {310, 400, 290}); // of how often each is true
        // end::response[]
        assertThat(told).isBetween(0, 2);
        assertThat(estimate).hasSize(3);
    }

    @Test
    void findsTheFirstThatIsLarge() {
        double[] answers = {3, 1, 1e6, 2};
        // tag::sparse[]
        SparseVector above = SparseVector.builder()
                .relation(NeighboringRelation.ADD_OR_REMOVE_ONE)
                .sensitivity(1.0)
                .threshold(1000)
                .epsilon(0.5)
                .maxAbove(1)
                .build();
        int first = 0;
        while (!above.isAbove(answers[first])) {
            first++;
        }
        // end::sparse[]
        assertThat(first).isEqualTo(2);
    }
}
