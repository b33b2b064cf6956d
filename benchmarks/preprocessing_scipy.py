"""What NumPy and SciPy take to read a CT, resample it to 1 mm and bring it into a window: the peer of PreprocessingBenchmark.

Usage: preprocessing_scipy.py uncompressed.mhd compressed.mhd depthxheightxwidth z,y,x z,y,x
The last three are of what is to come out: its shape, where its first voxel lies in the scan and how far apart its voxels are, in voxels.

Writes one line about itself, then answers every line, "read", "inflate", "resample", "zoom", "window", "raw" or "zlib", with seconds. "raw" and
"zlib" are all stages, from the file on. "zoom" is scipy.ndimage.zoom to the same shape, which maps corners to corners and not
by millimetres.
"""

import sys
import time
import zlib

import numpy
import scipy
from scipy import ndimage


def header(path):
    with open(path) as file:
        return dict((part.strip() for part in line.split("=", 1)) for line in file if "=" in line)


def read(path):
    keys = header(path)
    shape = tuple(int(length) for length in reversed(keys["DimSize"].split()))
    voxels = path[: path.rfind("/") + 1] + keys["ElementDataFile"]
    if keys["CompressedData"] == "True":
        with open(voxels, "rb") as file:
            return numpy.frombuffer(zlib.decompress(file.read()), dtype="<i2").reshape(shape)
    return numpy.fromfile(voxels, dtype="<i2").reshape(shape)


def main():
    raw, compressed = sys.argv[1:3]
    shape = tuple(int(length) for length in sys.argv[3].split("x"))
    offset, step = ([float(part) for part in argument.split(",")] for argument in sys.argv[4:6])

    def resample(scan):
        return ndimage.affine_transform(
            scan, step, offset=offset, output_shape=shape, output=numpy.float32, order=1, cval=-1000
        )

    def zoom(scan):
        factors = [new / old for new, old in zip(shape, scan.shape)]
        return ndimage.zoom(scan, factors, output=numpy.float32, order=1)

    def window(values):
        return (numpy.clip(values, -1000, 400) + 1000) * numpy.float32(4 / 1400) - 1

    scan = read(raw)
    resampled = resample(scan)
    work = {
        "read": lambda: read(raw),
        "inflate": lambda: read(compressed),
        "resample": lambda: resample(scan),
        "zoom": lambda: zoom(scan),
        "window": lambda: window(resampled),
        "raw": lambda: window(resample(read(raw))),
        "zlib": lambda: window(resample(read(compressed))),
    }
    print(f"NumPy {numpy.__version__}, SciPy {scipy.__version__}", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        result = work[line.strip()]()
        print(time.perf_counter() - start, flush=True)
        del result


if __name__ == "__main__":
    main()
