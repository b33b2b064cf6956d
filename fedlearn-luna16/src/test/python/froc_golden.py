"""Writes the cases of FrocGoldenTest: lists as the challenge has them, and what benchmarks/numpy_froc.py makes of them.

Usage, from this folder: python3 froc_golden.py. Needs NumPy; the values do not depend on its version.
"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[3]
TARGET = HERE.parent / "resources" / "io" / "fedlearn" / "luna16" / "froc"
sys.path.insert(0, str(ROOT / "benchmarks"))

import numpy_froc  # noqa: E402

SAMPLES = 200
COLUMNS = "seriesuid,coordX,coordY,coordZ,"


def case(seed, scans, nodules, excluded, marks, decimals=2, box=40, near=0.3, logits=False):
    """Lists with nodules in the first scans, marks near nodules and findings, and marks anywhere."""
    random = np.random.default_rng(seed)
    series = [f"1.2.{seed}.{i}" for i in range(scans)]

    def place():
        return np.round(random.uniform(-box, box, 3), 2)

    targets = []
    annotated = []
    for _ in range(nodules):
        row = (series[random.integers(0, max(1, scans - 1))], place(), round(random.uniform(3.5, 25), 3))
        annotated.append(row)
        targets.append(row)
    ignored = []
    for _ in range(excluded):
        diameter = -1 if random.random() < 0.8 else round(random.uniform(3, 9), 3)
        row = (series[random.integers(0, scans)], place(), diameter)
        ignored.append(row)
        targets.append(row)
    submitted = []
    for _ in range(marks):
        probability = random.beta(2, 3)
        if targets and random.random() < near:
            name, centre, diameter = targets[random.integers(0, len(targets))]
            where = np.round(centre + random.normal(size=3) * (diameter if diameter > 0 else 10) / 5, 2)
            probability = random.beta(3, 2)
        else:
            name, where = series[random.integers(0, scans)], place()
        if logits:
            probability = np.log(probability / (1 - probability))
        submitted.append((name, where, round(float(probability), decimals)))
    return series, annotated, ignored, submitted


def only(lists, wanted):
    """The same lists with those marks alone that count as is wanted: on nodules, or on nothing."""
    series, annotated, ignored, submitted = lists

    def hits(mark, target):
        diameter = 10 if target[2] < 0 else target[2]
        return target[0] == mark[0] and ((target[1] - mark[1]) ** 2).sum() < (diameter / 2) ** 2

    kept = [mark for mark in submitted if any(hits(mark, nodule) for nodule in annotated) == wanted]
    return series, annotated, ignored, kept


def text(head, rows):
    lines = [COLUMNS + head]
    lines += [f"{name},{','.join(map(repr, where.tolist()))},{number!r}" for name, where, number in rows]
    return "\n".join(lines) + "\n"


def write(name, lists):
    series, annotated, ignored, submitted = lists
    folder = TARGET / name
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "seriesuids.csv": "\n".join(series) + "\n",
        "annotations.csv": text("diameter_mm", annotated),
        "annotations_excluded.csv": text("diameter_mm", ignored),
        "submission.csv": text("probability", submitted),
    }
    for file, content in files.items():
        (folder / file).write_bytes(content.encode())
    reference = numpy_froc.score(
        series,
        numpy_froc.by_series(folder / "annotations.csv", "diameter_mm"),
        numpy_froc.by_series(folder / "annotations_excluded.csv", "diameter_mm"),
        numpy_froc.by_series(folder / "submission.csv", "probability"),
        SAMPLES,
        seed=42,
    )
    lines = [f"cpm,{float(reference['cpm'])!r}"]
    lines += [f"count {key},{value}" for key, value in reference["counts"].items()]
    lines += [
        f"sensitivity {rate},{value!r}" for rate, value in zip(numpy_froc.RATES, reference["sensitivities"])
    ]
    band = reference["bootstrap"]
    spread = lambda values: ",".join(repr(float(value)) for value in values)
    lines += [f"spread {rate},{spread(values)}" for rate, values in zip(numpy_froc.RATES, band["points"])]
    lines += [f"band {i},{spread(band['band'][i])}" for i in range(0, numpy_froc.BAND_POINTS, 1111)]
    lines.append(f"spread cpm,{spread(band['cpm'])}")
    (folder / "expected.csv").write_text("\n".join(lines) + "\n")
    print(name, len(submitted), lines[0], reference["counts"])


def main():
    write("mixed", case(1, 12, 20, 40, 300))
    write("crowded", case(2, 3, 8, 10, 420, decimals=2))
    write("overlapping", case(3, 6, 24, 12, 260, box=15, near=0.5))
    write("logits", case(4, 10, 15, 20, 250, logits=True, decimals=4))
    write("few-nodules", case(5, 10, 2, 20, 120, near=0.5))
    write("no-false-positives", only(case(6, 8, 12, 10, 200, near=0.6), True))
    write("nothing-found", only(case(7, 8, 12, 10, 100), False))
    write("no-marks", case(8, 4, 5, 5, 0))
    # Here the way by shares moves a point off the rate 1, where the curve rises: the CPM is 0.3, and not 0.4.
    write("rounding", rounding())


def rounding():
    """False positives by falling probability, with a nodule found after as many of them as there are scans."""
    scans, wrong = 10, 147
    assert scans / wrong * wrong / scans > 1
    series = [f"1.2.9.{i}" for i in range(scans)]
    annotated = [(series[i], np.array([10.0 * i, 0.0, 0.0]), 6.0) for i in range(scans)]
    submitted = [
        (series[i % scans], np.array([0.0, 100.0 + i, 0.0]), round(0.99 - i / 1000, 3)) for i in range(wrong)
    ]
    for i, nodule in enumerate(annotated[:7]):
        # Between the tenth and the eleventh false positive.
        submitted.append((nodule[0], nodule[1], round(0.9805 - i / 100_000, 5)))
    return series, annotated, [], submitted


if __name__ == "__main__":
    main()
