"""Robust rules as one writes them in NumPy, over updates that lie in memory as one float32 array.

Usage: numpy_robust.py CLIENTS PARAMETERS. Makes such updates and writes NumPy's version; then for every line of input, the
name of a rule, it takes the rule once and answers with the seconds that it took. Ends with its input.
"""

import sys
import time

import numpy as np

TRIMMED_SHARE = 0.2
ITERATIONS = 4
SMOOTHING = 1e-6


def bad_clients(n):
    return (n - 3) // 4


def median(updates):
    return np.median(updates, axis=0)


def trimmed_mean(updates):
    n = len(updates)
    cut = int(TRIMMED_SHARE * n)
    return np.partition(updates, (cut, n - cut - 1), axis=0)[cut : n - cut].mean(axis=0, dtype=np.float64)


def squared_distances(updates):
    wide = updates.astype(np.float64)
    n = len(wide)
    squared = np.zeros((n, n))
    difference = np.empty_like(wide[0])
    for i in range(n):
        for j in range(i):
            np.subtract(wide[i], wide[j], out=difference)
            squared[i, j] = squared[j, i] = difference @ difference
    return squared


def best(squared, pool, f):
    scores = []
    for i in pool:
        others = np.sort([squared[i, j] for j in pool if j != i])
        scores.append(others[: max(1, len(pool) - f - 2)].sum())
    return pool[int(np.argmin(scores))]


def krum(updates):
    n = len(updates)
    return updates[best(squared_distances(updates), list(range(n)), bad_clients(n))]


def bulyan(updates):
    n = len(updates)
    f = bad_clients(n)
    squared = squared_distances(updates)
    pool = list(range(n))
    picked = []
    while len(picked) < n - 2 * f:
        picked.append(best(squared, pool, f))
        pool.remove(picked[-1])
    chosen = np.sort(updates[picked], axis=0)
    nearness = np.abs(chosen - np.median(chosen, axis=0))
    nearest = np.argsort(nearness, axis=0, kind="stable")[: len(picked) - 2 * f]
    return np.take_along_axis(chosen, nearest, axis=0).mean(axis=0, dtype=np.float64)


def geometric_median(updates):
    wide = updates.astype(np.float64)
    weights = np.full(len(wide), 1.0 / len(wide))
    factors = weights
    for _ in range(ITERATIONS):
        center = factors @ wide / factors.sum()
        factors = weights / np.maximum(SMOOTHING, np.linalg.norm(wide - center, axis=1))
    return factors @ wide / factors.sum()


RULES = {
    "CoordinateMedian": median,
    "TrimmedMean": trimmed_mean,
    "Krum": krum,
    "Bulyan": bulyan,
    "RFA": geometric_median,
}


def main():
    clients, parameters = map(int, sys.argv[1:3])
    generator = np.random.default_rng(1)
    updates = generator.standard_normal((clients, parameters), dtype=np.float32)
    print(np.__version__, flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        RULES[line.strip()](updates)
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
