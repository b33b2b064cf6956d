#!/usr/bin/env python3
"""Writes the golden values of the robust rules: in NumPy, straight from the definitions.

Run in this module's folder (Debian: python3-numpy):

    python3 src/test/python/robust_golden.py > src/test/resources/io/fedlearn/aggregators/robust/golden.csv

A line is: number of the cohort, what, values. 'cohort' gives its kind and the type of its trainables, 'update' a client's
weight and values, the last of which are a buffer's that distances do not look at. 'result' gives a rule, its settings and
what comes out of it before it is rounded to the type. Numbers read back as the same bits.
"""
import math

import numpy as np

TRAINABLES = 11
BUFFERS = 3
SIZES = [(1, 0), (3, 0), (4, 0), (5, 1), (6, 1), (7, 1), (8, 2), (11, 2), (12, 2), (16, 3), (23, 5)]


def normal(rng, n, f):
    return rng.normal(size=(n, TRAINABLES + BUFFERS))


def mixed(rng, n, f):
    """Every magnitude and sign; columns of zeros, of both zeros, and of one value."""
    scale = 10.0 ** np.array([-8, -6, -4, -2, 0, 2, 4, 6, 8, 0, 0, 0, 8, -8])
    values = rng.normal(size=(n, TRAINABLES + BUFFERS)) * scale
    values[:, 9] = 0.0
    values[::2, 9] = -0.0
    values[:, 10] = -3.25
    return values


def tied(rng, n, f):
    """Small whole numbers: distances are exact, and many are equal, as are values and their distances to the median."""
    return rng.integers(-2, 3, size=(n, TRAINABLES + BUFFERS)).astype(np.float64)


def corners(rng, n, f):
    """All as far from each other as from any: every score is tied."""
    values = np.zeros((n, TRAINABLES + BUFFERS))
    for k in range(n):
        values[k, k % TRAINABLES] = 1.0 if k < TRAINABLES else -1.0
        values[k, -1] = k
    return values


def near(rng, n, f):
    """Large weights that differ in their last bits, and f that differ in a few more."""
    values = np.float32(0.05) * np.ones((n, TRAINABLES + BUFFERS)) + rng.normal(size=(n, TRAINABLES + BUFFERS)) * 2e-8
    values[:f] += 3e-7
    return values


def attacked(rng, n, f):
    """The first f go far, some together,."""
    values = 1.0 + 0.1 * rng.normal(size=(n, TRAINABLES + BUFFERS))
    values[:f] = -1e6 * (1 + np.arange(f)[:, None] // 2)
    return values


KINDS = [normal, mixed, tied, corners, near, attacked]


def mean(values):
    return math.fsum(values) / len(values)


def by_coordinate(rule, updates):
    return [rule(sorted(column)) for column in updates.T.tolist()]


def middle(dropped):
    return lambda column: mean(column[dropped : len(column) - dropped])


def nearest(count):
    def rule(column):
        n = len(column)
        median = (column[(n - 1) // 2] + column[n // 2]) / 2
        return mean(sorted(column, key=lambda value: abs(value - median))[:count])

    return rule


def squared_distances(updates):
    trainables = updates[:, :TRAINABLES]
    return np.array([[math.fsum((a - b) ** 2) for b in trainables] for a in trainables])


def scores(squared, pool, count):
    result = []
    for i in pool:
        others = sorted(squared[i, j] for j in pool if j != i)
        result.append(sum(others[:count]))
    return np.array(result)


def multi_krum(updates, weights, f, m):
    n = len(updates)
    order = np.argsort(scores(squared_distances(updates), range(n), n - f - 2), kind="stable")
    chosen = sorted(order[:m])
    total = math.fsum(weights[chosen])
    return [math.fsum(weights[chosen] * column[chosen]) / total for column in updates.T]


def bulyan(updates, f):
    squared = squared_distances(updates)
    pool = list(range(len(updates)))
    picked = []
    theta = len(updates) - 2 * f
    while len(picked) < theta:
        best = pool[int(np.argmin(scores(squared, pool, max(1, len(pool) - f - 2))))]
        picked.append(best)
        pool.remove(best)
    return by_coordinate(nearest(theta - 2 * f), updates[picked])


def geometric_median(updates, weights, nu, iterations):
    shares = weights / weights.sum()
    center = shares @ updates
    for _ in range(iterations):
        distances = np.sqrt(((updates - center)[:, :TRAINABLES] ** 2).sum(axis=1))
        factors = shares / np.maximum(nu, distances)
        center = factors @ updates / factors.sum()
    return center


def results(updates, weights, n, f):
    yield "median", {}, by_coordinate(middle((n - 1) // 2), updates)
    for beta in (0.0, 0.1, 0.2, 0.45):
        # In hundredths, where beta n is exact.
        yield "trimmed", {"trimmedShare": beta}, by_coordinate(middle(round(100 * beta) * n // 100), updates)
    yield "trimmed", {"badClients": f}, by_coordinate(middle(f), updates)
    if n >= 2 * f + 3:
        yield "krum", {"badClients": f}, multi_krum(updates, weights, f, 1)
        yield "multi-krum", {"badClients": f}, multi_krum(updates, weights, f, n - f)
        yield "multi-krum", {"badClients": f, "selected": 2}, multi_krum(updates, weights, f, 2)
    if n >= 4 * f + 3:
        yield "bulyan", {"badClients": f}, bulyan(updates, f)
    for iterations in (1, 2, 3, 4):
        yield "rfa", {"smoothing": 1e-6, "iterations": iterations}, geometric_median(updates, weights, 1e-6, iterations)
    yield "rfa", {"smoothing": 0.5, "iterations": 2}, geometric_median(updates, weights, 0.5, 2)


def main():
    print(f"# written by src/test/python/robust_golden.py with NumPy {np.__version__.split('.')[0]}")
    rng = np.random.default_rng(4)
    number = 0
    for kind in KINDS:
        for n, f in SIZES:
            dtype = np.float32 if number % 3 else np.float64
            updates = kind(rng, n, f)
            updates[:, :TRAINABLES] = updates[:, :TRAINABLES].astype(dtype)
            updates[:, TRAINABLES:] = updates[:, TRAINABLES:].astype(np.float32)
            weights = rng.integers(1, 1000, size=n).astype(np.float64)
            print(number, "cohort", kind.__name__, np.dtype(dtype).name, sep=",")
            for weight, update in zip(weights.tolist(), updates.tolist()):
                print(number, "update", weight, *update, sep=",")
            for rule, settings, values in results(updates, weights, n, f):
                text = ";".join(f"{name}={value}" for name, value in settings.items())
                print(number, "result", rule, text, *np.asarray(values).tolist(), sep=",")
            number += 1


if __name__ == "__main__":
    main()
