#!/usr/bin/env python3
"""Writes golden values of FedNova, q-FedAvg, SCAFFOLD, FedDyn and FLTrust, in NumPy, straight from the equations.

Run in this module's folder (Debian: python3-numpy):

    python3 src/test/python/stateful.py > src/test/resources/io/fedlearn/aggregators/stateful.csv

A line is: number of the case, what, values. Numbers read back as the same bits.

Cases of kind 'rule' are the server's side, three rounds each: 'update' gives a client's weight, its report (local steps,
loss before training or 0) and its model, 'change' the side tensor that goes with the update before it, 'own' the server's
own model for FLTrust; 'w' and 'state' are what must come out.

Cases of kind 'run' are whole runs on quadratics sum_j a_j (w_j - b_j)^2 / 2, three clients with their own a, b and numbers
of local steps: 'client' gives steps, a and b, then 'w' after each of four rounds. Everything is computed in float64.
"""
import sys

import numpy as np

ROUNDS = 3
WEIGHTS = [3.0, 1.0, 4.0, 2.0]
STEPS = [1, 7, 40, 3]
LOSSES = [0.0, 0.3, 12.5, 1e-3]


def magnitudes(wide):
    top = 8 if wide else 0
    m = np.logspace(top - 8 if wide else -2, top, 9)
    return np.concatenate([m, m, np.ones(6)])


def signs():
    return np.concatenate([np.ones(9), -np.ones(9), np.zeros(6)])


def coefficients(steps, eta, rho, mu):
    """How often the gradient of each step is in (w - w_k) / eta, by giving a gradient of 1 in that step alone."""
    out = []
    for pulse in range(steps):
        y, v = 0.0, 0.0
        for i in range(steps):
            v = rho * v + (1.0 if i == pulse else 0.0) + mu * y
            y = y - eta * v
        out.append(-y / eta)
    return np.array(out)


def fednova(w, models, weights, reports, s):
    p = np.array(weights) / sum(weights)
    a = [coefficients(int(t), s["learningRate"], s["momentum"], s["mu"]).sum() for t in reports]
    tau = np.array(reports if s["effectiveSteps"] == "STEPS" else a)
    tau_eff = (p * tau).sum()
    return w - tau_eff * sum(p_k * (w - w_k) / a_k for p_k, w_k, a_k in zip(p, models, a))


def qfedavg(w, models, weights, reports, s):
    lip = 1 / s["learningRate"]
    q = s["q"]
    deltas, hs = [], []
    for w_k, loss in zip(models, reports):
        f = loss + 1e-10
        g = lip * (w - w_k)
        deltas.append(f**q * g)
        hs.append(q * f ** (q - 1) * (g * g).sum() + lip * f**q)
    return w - sum(deltas) / sum(hs)


def fltrust(w, models, own, s):
    g0 = own - w
    n0 = np.sqrt((g0 * g0).sum())
    total, move = 0.0, np.zeros_like(w)
    for w_k in models:
        g = w_k - w
        n = np.sqrt((g * g).sum())
        score = max(0.0, (g * g0).sum() / (n * n0)) if n > 0 else 0.0
        total += score
        if score > 0:
            move = move + score * (n0 / n) * g
    return w + s["serverLearningRate"] * move / total


def rule_cases():
    nova = dict(learningRate=0.1, momentum=0.0, mu=0.0, effectiveSteps="NORMALISERS")
    for change in [{}, dict(momentum=0.9), dict(mu=0.3), dict(momentum=0.5, mu=2.0), dict(mu=0.3, effectiveSteps="STEPS")]:
        yield "fednova", {**nova, **change}
    for q in [0.0, 0.5, 1.0, 3.0]:
        yield "qfedavg", dict(learningRate=0.25, q=q)
    yield "scaffold", dict(clients=4, serverLearningRate=1.0)
    yield "scaffold", dict(clients=10, serverLearningRate=0.5)
    yield "feddyn", dict(clients=4, alpha=0.1)
    yield "feddyn", dict(clients=10, alpha=1.5)
    yield "fltrust", dict(serverLearningRate=1.0)
    yield "fltrust", dict(serverLearningRate=0.3)


def line(case, what, values):
    print(",".join([str(case), what] + [repr(float(x)) for x in values]))


def rule(case, method, s, dtype):
    rng = np.random.default_rng(case)
    wide = method in ("fednova", "scaffold", "feddyn")
    scale = magnitudes(wide)
    w = (signs() * scale).astype(dtype)
    state = np.zeros(w.size, np.float32)
    text = ";".join(f"{k}={x}" for k, x in s.items())
    print(f"{case},rule,{method},{np.dtype(dtype).name},{text}")
    line(case, "initial", w)
    for t in range(ROUNDS):
        w64 = w.astype(np.float64)
        models = [(w64 + rng.normal(size=w.size) * scale).astype(dtype) for _ in WEIGHTS]
        for model in models:
            model[4] = w[4]  # no change at all
            model[-1] = w[-1]  # a zero that stays zero
        own = (w64 + rng.normal(size=w.size) * scale).astype(dtype)
        if method == "fltrust":
            models[0] = w.copy()  # goes nowhere
            models[1] = (w64 - 3 * (own.astype(np.float64) - w64)).astype(dtype)  # goes the other way
            for k, share in ((2, 5.0), (3, 0.2)):  # further and less far than the server
                models[k] = (models[k].astype(np.float64) + share * (own.astype(np.float64) - w64)).astype(dtype)
        weights = WEIGHTS if method == "fednova" else [1.0] * 4
        reports = {"fednova": np.roll(STEPS, t), "qfedavg": np.roll(LOSSES, t)}.get(method, [0] * 4)
        changes = [(rng.normal(size=w.size) * scale).astype(np.float32) for _ in WEIGHTS]
        for weight, report, model, change in zip(weights, reports, models, changes):
            line(case, "update", np.concatenate([[weight, report], model.astype(np.float64)]))
            if method == "scaffold":
                line(case, "change", change)
        if method == "fltrust":
            line(case, "own", own)
        m64 = [model.astype(np.float64) for model in models]
        if method == "fednova":
            new = fednova(w64, m64, weights, reports, s)
        elif method == "qfedavg":
            new = qfedavg(w64, m64, weights, reports, s)
        elif method == "scaffold":
            new = w64 + s["serverLearningRate"] * sum(m - w64 for m in m64) / 4
            state = (state.astype(np.float64) + sum(c.astype(np.float64) for c in changes) / s["clients"]).astype(np.float32)
        elif method == "feddyn":
            h = state.astype(np.float64) - s["alpha"] / s["clients"] * sum(m - w64 for m in m64)
            new = sum(m64) / 4 - h / s["alpha"]
            state = h.astype(np.float32)
        else:
            new = fltrust(w64, m64, own.astype(np.float64), s)
        w = new.astype(dtype)
        line(case, "w", w)
        line(case, "state", state)


A = [np.array([1.0, 4.0, 0.0, 0.5]), np.array([2.0, 0.25, 1.0, 0.5]), np.array([0.1, 1.0, 3.0, 0.5])]
B = [np.array([0.0, 1.0, -2.0, 0.01]), np.array([-3.0, 1.0, 5.0, -0.01]), np.array([10.0, -1.0, 0.0, 0.0])]
LOCAL = [5, 1, 12]


def train(y, grad, steps, s):
    v = np.zeros_like(y)
    for _ in range(steps):
        v = s["momentum"] * v + grad(y) + s["weightDecay"] * y
        y = y - s["learningRate"] * v
    return y


def run(case, method, s):
    print(f"{case},run,{method},float32," + ";".join(f"{k}={x}" for k, x in s.items()))
    for steps, a, b in zip(LOCAL, A, B):
        line(case, "client", np.concatenate([[steps], a, b]))
    w = np.array([5.0, -5.0, 1.0, 0.0])
    line(case, "initial", w)
    c = np.zeros(4)
    own = [np.zeros(4) for _ in A]
    for _ in range(4):
        moved, changed = [], []
        for k, (steps, a, b) in enumerate(zip(LOCAL, A, B)):
            if method == "scaffold":
                y = train(w, lambda y: a * (y - b) - own[k] + c + s["mu"] * (y - w), steps, s)
                norm = coefficients(steps, s["learningRate"], s["momentum"], s["mu"]).sum()
                new = own[k] - c + (w - y) / (norm * s["learningRate"])
                changed.append(new - own[k])
                own[k] = new
            elif method == "feddyn":
                y = train(w, lambda y: a * (y - b) - own[k] + s["alpha"] * (y - w), steps, s)
                own[k] = own[k] - s["alpha"] * (y - w)
            else:
                y = train(w, lambda y: a * (y - b) + s["mu"] * (y - w), steps, s)
            moved.append(y)
        if method == "scaffold":
            w = w + sum(y - w for y in moved) / 3
            c = c + sum(changed) / 3
        elif method == "feddyn":
            c = c - s["alpha"] / 3 * sum(y - w for y in moved)
            w = sum(moved) / 3 - c / s["alpha"]
        elif method == "fednova":
            w = fednova(w, moved, [1.0] * 3, LOCAL, s)
        else:
            losses = [0.5 * (a * (w - b) ** 2).sum() for a, b in zip(A, B)]
            w = qfedavg(w, moved, [1.0] * 3, losses, s)
        line(case, "w", w)


def run_cases():
    plain = dict(learningRate=0.05, momentum=0.0, weightDecay=0.0, mu=0.0)
    for change in [{}, dict(momentum=0.9), dict(weightDecay=0.1), dict(momentum=0.5, mu=1.0, weightDecay=0.01)]:
        yield "scaffold", {**plain, **change}
    for change in [dict(alpha=0.5), dict(alpha=0.1, momentum=0.5, weightDecay=0.1)]:
        yield "feddyn", {**plain, **change}
    yield "fednova", {**plain, "effectiveSteps": "NORMALISERS"}
    yield "fednova", {**plain, "effectiveSteps": "NORMALISERS", "momentum": 0.9, "mu": 0.5}
    yield "qfedavg", {**plain, "q": 1.0}


def main():
    print("# written by src/test/python/stateful.py with NumPy " + np.__version__.split(".")[0])
    case = 0
    for dtype in (np.float32, np.float64):
        for method, settings in rule_cases():
            rule(case, method, settings, dtype)
            case += 1
    for method, settings in run_cases():
        run(case, method, settings)
        case += 1


if __name__ == "__main__":
    sys.exit(main())
