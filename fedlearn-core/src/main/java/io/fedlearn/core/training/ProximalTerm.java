package io.fedlearn.core.training;

/**
 * FedProx's proximal term: adds {@code mu (w - w_global)} to the gradient, which pulls local training towards the global model.
 *
 * <p><b>Reference.</b> Li et al., "Federated Optimization in Heterogeneous Networks", MLSys 2020, arXiv:1812.06127.
 */
final class ProximalTerm implements LocalCorrection {
    private final float[] global;
    private final float mu;

    /**
     * @param global the global model's trainable parameters, flat; taken over
     */
    ProximalTerm(float[] global, double mu) {
        this.global = global;
        this.mu = (float) mu;
    }

    @Override
    public void correct(float[] gradient, float[] trainables) {
        for (int i = 0; i < gradient.length; i++) {
            gradient[i] += mu * (trainables[i] - global[i]);
        }
    }
}
