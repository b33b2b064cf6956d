"""The LUNA16 score as one writes it in NumPy, for the same figures by another way.

Usage: numpy_froc.py ANNOTATIONS EXCLUDED SERIESUIDS SUBMISSION [BOOTSTRAPS [SEED]]. Prints one JSON object: cpm,
sensitivities, counts, and of a bootstrap the mean and the bounds, with the same samples of the scans as in Java.

The rules are in docs/luna16-froc.md. The ROC curve is made as scikit-learn makes it, points that lie on a line left out.
"""

import csv
import gzip
import json
import sys

import numpy as np

RATES = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]
MARKS_PER_SCAN = 100
BAND_POINTS = 10_000
CONFIDENCE = 0.95


def rows(path):
    """The rows of a list by column, as text."""
    with open(path, "rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    with (gzip.open if zipped else open)(path, "rt", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def by_series(path, last):
    """For each series an array with a row x, y, z and the number in the column ``last``."""
    found = {}
    for row in rows(path):
        numbers = [float(row[name]) for name in ("coordX", "coordY", "coordZ", last)]
        found.setdefault(row["seriesuid"], []).append(numbers)
    return {series: np.array(numbers) for series, numbers in found.items()}


def all_series(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        names = [line.strip() for line in file if line.strip()]
    return names[1:] if names[0] == "seriesuid" else names


def hits(target, marks):
    diameter = 10.0 if target[3] < 0 else target[3]
    return ((marks[:, :3] - target[:3]) ** 2).sum(axis=1) < (diameter / 2) ** 2


def match(series, nodules, excluded, marks):
    """One row per nodule and false positive: is a nodule, probability, is missed, index of the scan."""
    nothing = np.zeros((0, 4))
    entries = []
    counts = dict.fromkeys(("nodules", "marks", "tp", "fp", "fn", "ignored", "doubles", "surplus"), 0)
    for scan, name in enumerate(series):
        own = marks.get(name, nothing)
        if len(own) > MARKS_PER_SCAN:
            kept = own[own[:, 3] > np.sort(own[:, 3])[::-1][MARKS_PER_SCAN]]
            counts["surplus"] += len(own) - len(kept)
            own = kept
        counts["marks"] += len(own)
        free = np.ones(len(own), bool)
        for nodule in nodules.get(name, nothing):
            on = hits(nodule, own)
            counts["nodules"] += 1
            if on.any():
                free &= ~on
                counts["tp"] += 1
                counts["doubles"] += int(on.sum()) - 1
                entries.append((1.0, own[on, 3].max(), 0.0, scan))
            else:
                counts["fn"] += 1
                entries.append((1.0, -np.inf, 1.0, scan))
        for finding in excluded.get(name, nothing):
            on = free & hits(finding, own)
            counts["ignored"] += int(on.sum())
            free &= ~on
        counts["fp"] += int(free.sum())
        entries += [(0.0, probability, 0.0, scan) for probability in own[free, 3]]
    return np.array(entries).reshape(-1, 4), counts


def froc(entries, scans):
    """False positives per scan and sensitivities."""
    nodules = entries[:, 0].sum()
    detected = entries[entries[:, 2] == 0]
    order = np.argsort(-detected[:, 1], kind="stable")
    truth, probability = detected[order, 0], detected[order, 1]
    if len(detected) == 0 or truth.sum() == 0:
        return np.zeros(1), np.zeros(1)
    ends = np.append(np.flatnonzero(np.diff(probability)), len(probability) - 1)
    tps = np.cumsum(truth)[ends]
    fps = 1 + ends - tps
    if len(fps) > 2:
        corner = np.logical_or(np.diff(fps, 2), np.diff(tps, 2))
        kept = np.flatnonzero(np.concatenate(([True], corner, [True])))
        tps, fps = tps[kept], fps[kept]
    tps, fps = np.append(0, tps), np.append(0, fps)
    wrong = len(detected) - truth.sum()
    rates = fps / fps[-1] * wrong / scans if wrong else np.zeros(len(fps))
    return rates, tps / tps[-1] * truth.sum() / nodules


class Samples:
    """The draws of io.fedlearn.core.random.SeededRandom, of all samples side by side."""

    GAMMA = np.uint64(0x9E3779B97F4A7C15)

    def __init__(self, seed, samples):
        with np.errstate(over="ignore"):
            purpose = np.arange(samples, dtype=np.uint64) * self.GAMMA + np.uint64(0x632BE59BD9B4E019)
            start = np.array([seed % 2**64], np.uint64) + self.GAMMA
            state = self.mix(self.mix(start) ^ self.mix(purpose))
            self.state = []
            for _ in range(4):
                state = state + self.GAMMA
                self.state.append(self.mix(state))

    @staticmethod
    def mix(z):
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))

    @staticmethod
    def rotated(x, k):
        return (x << np.uint64(k)) | (x >> np.uint64(64 - k))

    def next(self, bound):
        """One number below the bound for each sample; what is thrown away in Java once in 2^50 draws is not, here."""
        with np.errstate(over="ignore"):
            a, b, c, d = self.state
            result = self.rotated(a + d, 23) + a
            t = b << np.uint64(17)
            c, d = c ^ a, d ^ b
            b, a = b ^ c, a ^ d
            self.state = [a, b, c ^ t, self.rotated(d, 45)]
            return ((result >> np.uint64(1)) % np.uint64(bound)).astype(np.int64)


def draws(seed, samples, scans, nodules):
    """The scans of each sample; one without a nodule is drawn again."""
    random = Samples(seed, samples)
    chosen = np.stack([random.next(scans) for _ in range(scans)], axis=1)
    for sample in np.flatnonzero(nodules[chosen].sum(axis=1) == 0):
        alone = Samples(seed, samples)
        alone.state = [s[sample : sample + 1] for s in alone.state]
        while True:
            again = np.array([alone.next(scans)[0] for _ in range(scans)])
            if nodules[again].sum() > 0:
                chosen[sample] = again
                break
    return chosen


def spread(values):
    values = np.sort(values)
    tail = (1.0 - CONFIDENCE) / 2.0
    n = len(values)
    return [values.mean(), values[int(np.floor(tail * n))], values[int(np.floor((1.0 - tail) * n))]]


def bootstrap(entries, scans, samples, seed):
    grid = np.linspace(RATES[0], RATES[-1], num=BAND_POINTS)
    own = [np.flatnonzero(entries[:, 3] == scan) for scan in range(scans)]
    nodules = np.array([entries[rows, 0].sum() for rows in own])
    band = np.empty((samples, BAND_POINTS))
    points = np.empty((samples, len(RATES)))
    for i, chosen in enumerate(draws(seed, samples, scans, nodules)):
        x, y = froc(entries[np.concatenate([own[scan] for scan in chosen])], scans)
        band[i] = np.interp(grid, x, y)
        points[i] = np.interp(RATES, x, y)
    return {
        "rates": grid.tolist(),
        "band": [spread(column) for column in band.T],
        "points": [spread(column) for column in points.T],
        "cpm": spread(points.mean(axis=1)),
    }


def score(series, nodules, excluded, marks, samples=0, seed=0):
    entries, counts = match(series, nodules, excluded, marks)
    x, y = froc(entries, len(series))
    sensitivities = np.interp(RATES, x, y)
    result = {
        "cpm": sensitivities.mean(),
        "sensitivities": sensitivities.tolist(),
        "counts": counts,
    }
    if samples:
        result["bootstrap"] = bootstrap(entries, len(series), samples, seed)
    return result


def main(arguments):
    annotations, excluded, series, submission = arguments[:4]
    result = score(
        all_series(series),
        by_series(annotations, "diameter_mm"),
        by_series(excluded, "diameter_mm"),
        by_series(submission, "probability"),
        int(arguments[4]) if len(arguments) > 4 else 0,
        int(arguments[5]) if len(arguments) > 5 else 0,
    )
    result["numpy"] = np.__version__
    print(json.dumps(result, default=float))


if __name__ == "__main__":
    main(sys.argv[1:])
