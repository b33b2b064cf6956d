"""Golden patches for GoldenPatchesTest: python3 golden.py > golden.csv (NumPy).

A scan whose voxel (x, y, z) has (37 x + 101 y + 59 z + 7 x y z) mod 1500 - 1100 HU, cut in several ways. Each value is the sum over all
voxels of the scan, and air beyond, of the products of the mean of the hat function over the footprint along each axis; the mean
is taken by summing, not by a formula.
"""

import itertools

import numpy

SIZE = (9, 8, 7)
SHAPE = (3, 4, 5)
AIR = -1000
COS, SIN = numpy.cos(0.4), numpy.sin(0.4)
STRAIGHT = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
FLIPPED = [[-1, 0, 0], [0, -1, 0], [0, 0, 1]]
PERMUTED = [[0, 0, -1], [1, 0, 0], [0, 1, 0]]
OBLIQUE = [[COS, SIN, 0], [-SIN * COS, COS * COS, SIN], [SIN * SIN, -COS * SIN, COS]]
TILTED = [[1, 0, 0], [0, 1, 0], [0, 0.3, 0.95]]

# Name, rows of the matrix, spacing of the scan, centre as an index, spacing of the patch (x, y, z).
CASES = [
    ("middle", STRAIGHT, (0.9, 0.8, 1.5), (4.2, 3.6, 3.1), (0.7, 0.6, 1.1)),
    ("border", STRAIGHT, (0.9, 0.8, 1.5), (0.3, 7.2, -0.4), (0.7, 0.6, 1.1)),
    ("coarse", STRAIGHT, (0.5, 0.4, 0.6), (4.2, 3.6, 3.1), (0.9, 1.0, 1.1)),
    ("coarse border", STRAIGHT, (0.5, 0.4, 0.6), (8.4, 0.1, 6.3), (0.9, 1.0, 1.1)),
    ("flipped", FLIPPED, (0.9, 0.8, 1.5), (4.2, 3.6, 3.1), (0.7, 0.6, 1.1)),
    ("flipped border", FLIPPED, (0.9, 0.8, 1.5), (0.3, 7.2, 0.2), (0.7, 1.3, 1.1)),
    ("permuted", PERMUTED, (0.9, 0.8, 1.5), (3.7, 4.4, 2.6), (0.6, 1.2, 1.1)),
    ("oblique", OBLIQUE, (0.9, 0.8, 1.5), (4.2, 3.6, 3.1), (0.7, 0.6, 0.8)),
    ("oblique border", OBLIQUE, (0.9, 0.8, 1.5), (0.2, 0.4, 6.1), (0.7, 0.6, 0.8)),
    ("oblique coarse", OBLIQUE, (0.5, 0.4, 0.6), (4.2, 3.6, 3.1), (0.9, 1.0, 1.1)),
    ("tilted", TILTED, (0.9, 0.8, 1.5), (4.2, 3.6, 3.1), (0.7, 0.6, 1.1)),
]
ORIGIN = numpy.array([-20.0, 35.0, 110.0])


def scan():
    z, y, x = numpy.meshgrid(*(numpy.arange(n) for n in reversed(SIZE)), indexing="ij")
    return numpy.maximum((37 * x + 101 * y + 59 * z + 7 * x * y * z) % 1500 - 1100, AIR).astype(float)


def weights(size, center, footprint):
    """For each voxel along an axis the mean of max(0, 1 - |t|) over the footprint around the centre."""
    steps = 200001 if footprint > 1e-3 else 1
    offsets = ((numpy.arange(steps) + 0.5) / steps - 0.5) * footprint
    return numpy.array([numpy.maximum(0, 1 - abs(center + offsets - i)).mean() for i in range(size)])


def main():
    voxels = scan() - AIR
    for name, rows, spacing, index, step in CASES:
        axes = numpy.array(rows, dtype=float).T * numpy.array(spacing)
        center = ORIGIN + axes @ numpy.array(index)
        inverse = numpy.linalg.inv(axes)
        r = numpy.sqrt(((inverse * numpy.array(step)) ** 2).sum(axis=1))
        footprints = numpy.sqrt(numpy.maximum(0, r * r - 1))
        values = []
        for z, y, x in itertools.product(*(range(n) for n in SHAPE)):
            offset = (numpy.array([x, y, z]) - (numpy.array(SHAPE[::-1]) - 1) / 2) * numpy.array(step)
            place = inverse @ (center + offset - ORIGIN)
            wx, wy, wz = (weights(SIZE[i], place[i], footprints[i]) for i in range(3))
            values.append(AIR + numpy.einsum("zyx,z,y,x", voxels, wz, wy, wx))
        numbers = [*numpy.array(rows, dtype=float).ravel(), *spacing, *center, *step]
        print(name + "," + ",".join(repr(float(n)) for n in numbers) + "," + ",".join(f"{v:.4f}" for v in values))


if __name__ == "__main__":
    main()
