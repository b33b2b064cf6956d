#!/usr/bin/env python3
"""Writes the golden values of the server optimizers: three rounds each, in NumPy, straight from the equations.

Run in this module's folder (Debian: python3-numpy):

    python3 src/test/python/golden.py > src/test/resources/io/fedlearn/aggregators/golden.csv

A line is: number of the case, what, values. 'case' gives method, variant, type and settings, 'update' a client's weight
and model in the coming round; 'w', 'v' and 'm' are what must come out of it. Numbers read back as the same bits.
The moments are kept in the type of the model, everything between is computed in float64.
"""
import sys

import numpy as np

MAGNITUDES = np.array([1e-8, 1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4, 1e6, 1e8])
ROUNDS = 3
WEIGHTS = [3.0, 1.0, 4.0]


def initial(dtype):
    # Both signs of every magnitude, then zeros.
    return np.concatenate([MAGNITUDES, -MAGNITUDES, np.zeros(6)]).astype(dtype)


def client_models(start, rng, dtype):
    """Changes of about the size of the parameters, of either sign; some are 0, and some equal at all clients."""
    scale = np.concatenate([MAGNITUDES, MAGNITUDES, [1.0, 1e-8, 1e8, 1e-3, 1.0, 1.0]])
    models = [start.astype(np.float64) + rng.normal(size=start.size) * scale for _ in WEIGHTS]
    for model in models:
        model[4] = start[4]  # no change at all
        model[-1] = start[-1]  # a zero that stays zero
        model[-2] = 0.001  # tied: the square of the change is v at the start, 1e-6, where tau is 0.001
    return [model.astype(dtype) for model in models]


def step(method, variant, w, m, v, d, t, s):
    """The next w, m and v, all in float64."""
    if method == "fedavgm":
        v = s["serverMomentum"] * v + d
        return w + s["serverLearningRate"] * v, m, v
    eta, beta1, beta2, tau = s["serverLearningRate"], s["beta1"], s["beta2"], s["tau"]
    m = beta1 * m + (1 - beta1) * d
    if method == "fedadagrad":
        v = v + d * d
    elif method == "fedadam":
        v = beta2 * v + (1 - beta2) * (d * d)
    else:
        v = v - (1 - beta2) * (d * d) * np.sign(v - d * d)
    if variant == "KINGMA_BA":
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        return w + eta * m_hat / (np.sqrt(v_hat) + tau), m, v
    if variant == "FLOWER_COMPAT":
        eta = eta * np.sqrt(1 - beta2 ** (t + 1.0)) / (1 - beta1 ** (t + 1.0))
    return w + eta * m / (np.sqrt(v) + tau), m, v


CASES = [
    ("fedavgm", "NONE", dict(serverLearningRate=1.0, serverMomentum=0.9)),
    ("fedavgm", "NONE", dict(serverLearningRate=0.3, serverMomentum=0.5)),
    ("fedadagrad", "NONE", dict(serverLearningRate=0.1, beta1=0.0, beta2=0.0, tau=1e-3)),
    ("fedadagrad", "NONE", dict(serverLearningRate=0.03, beta1=0.9, beta2=0.0, tau=1e-2)),
    ("fedadam", "NONE", dict(serverLearningRate=0.1, beta1=0.9, beta2=0.99, tau=1e-3)),
    ("fedadam", "KINGMA_BA", dict(serverLearningRate=0.1, beta1=0.9, beta2=0.99, tau=1e-3)),
    ("fedadam", "FLOWER_COMPAT", dict(serverLearningRate=0.1, beta1=0.9, beta2=0.99, tau=1e-3)),
    ("fedyogi", "NONE", dict(serverLearningRate=0.01, beta1=0.9, beta2=0.99, tau=1e-3)),
]


def line(case, what, values):
    print(",".join([str(case), what] + [repr(float(x)) for x in values]))


def main():
    print("# written by src/test/python/golden.py with NumPy " + np.__version__.split(".")[0])
    case = 0
    for dtype in (np.float32, np.float64):
        for method, variant, settings in CASES:
            rng = np.random.default_rng(case)
            w = initial(dtype)
            m = np.zeros(w.size, dtype)
            tau = settings.get("tau", 0.0)
            zero = method == "fedavgm" or variant != "NONE"
            v = np.full(w.size, 0.0 if zero else tau * tau).astype(dtype)
            text = ";".join(f"{k}={x!r}" for k, x in settings.items() if not (k == "beta2" and method == "fedadagrad"))
            print(f"{case},case,{method},{variant},{np.dtype(dtype).name},{text}")
            line(case, "initial", w)
            for t in range(1, ROUNDS + 1):
                models = client_models(w, rng, dtype)
                for weight, model in zip(WEIGHTS, models):
                    line(case, "update", np.concatenate([[weight], model.astype(np.float64)]))
                if dtype == np.float64:
                    wide = [model.astype(np.longdouble) for model in models]
                else:
                    wide = [model.astype(np.float64) for model in models]
                mean = sum(weight * model for weight, model in zip(WEIGHTS, wide)) / sum(WEIGHTS)
                d = mean.astype(np.float64) - w.astype(np.float64)
                new_w, new_m, new_v = step(
                    method, variant, w.astype(np.float64), m.astype(np.float64), v.astype(np.float64), d, t, settings
                )
                w, m, v = new_w.astype(dtype), new_m.astype(dtype), new_v.astype(dtype)
                line(case, "w", w)
                line(case, "v", v)
                if method != "fedavgm":
                    line(case, "m", m)
            case += 1


if __name__ == "__main__":
    sys.exit(main())
