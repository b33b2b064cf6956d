"""The weighted mean as NumPy users take it: multiply each layer by its example count, add up, divide.

Usage: numpy_mean.py CLIENTS PARAMETERS. Makes such updates and writes NumPy's version; then for every line of input it takes
the mean once and answers with the seconds that it took. Ends with its input.
"""

import sys
import time
from functools import reduce

import numpy as np


def mean(results):
    total = sum(count for _, count in results)
    weighted = [[layer * count for layer in weights] for weights, count in results]
    return [reduce(np.add, layers) / total for layers in zip(*weighted)]


def main():
    clients, parameters = map(int, sys.argv[1:3])
    generator = np.random.default_rng(1)
    results = [
        ([generator.standard_normal(parameters, dtype=np.float32)], int(generator.integers(50, 5000)))
        for _ in range(clients)
    ]
    print(np.__version__, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        mean(results)
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
