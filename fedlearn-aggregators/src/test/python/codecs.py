#!/usr/bin/env python3
"""Writes the golden values of the codecs, in NumPy and whole numbers, straight from the equations.

Run in this module's folder (Debian: python3-numpy):

    python3 src/test/python/codecs.py > src/test/resources/io/fedlearn/aggregators/transform/codecs.csv

A line is: number of the case, what, values. 'case' gives codec, type of the tensor and settings; 'delta' what a client's
training changed in the coming round; the lines after it what must come out. Numbers read back as the same bits.
The random numbers are xoshiro256++ seeded by SplitMix64, repeated here from the published algorithms.
"""
import math
import sys
from fractions import Fraction

import numpy as np

MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def derive(seed, text):
    purpose = 0xCBF29CE484222325
    for byte in text.encode("utf-8"):
        purpose = ((purpose ^ byte) * 0x100000001B3) & MASK
    return mix(mix((seed + GAMMA) & MASK) ^ mix((purpose * GAMMA + 0x632BE59BD9B4E019) & MASK))


def longs(seed):
    state = [mix((seed + GAMMA * (i + 1)) & MASK) for i in range(4)]
    rotl = lambda x, k: ((x << k) | (x >> (64 - k))) & MASK
    while True:
        yield (rotl((state[0] + state[3]) & MASK, 23) + state[0]) & MASK
        t = (state[1] << 17) & MASK
        state[2] ^= state[0]
        state[3] ^= state[1]
        state[1] ^= state[2]
        state[0] ^= state[3]
        state[2] ^= t
        state[3] = rotl(state[3], 45)


def halves(generator, count):
    """The low and then the high 32 bits of each number, as many as are needed."""
    out = []
    while len(out) < count:
        number = next(generator)
        out += [number & 0xFFFFFFFF, number >> 32]
    return out[:count]


def nearest_even(x):
    """A whole number nearest to the fraction x >= 0, ties to even."""
    low = math.floor(x)
    rest = x - low
    return low + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and low % 2 == 1))


def bfloat16(value):
    """The bits of the nearest bfloat16, in exact arithmetic."""
    sign = 0x8000 if math.copysign(1, value) < 0 else 0
    x = abs(Fraction(value))
    if x == 0:
        return sign
    exponent = max(math.frexp(abs(value))[1] - 1, -126)
    steps = nearest_even(x / Fraction(2) ** (exponent - 7))
    return sign | (((exponent + 126) << 7) + steps)


def from_bfloat16(bits):
    return np.array([bits << 16], np.uint32).view(np.float32)[0]


def line(case, what, values):
    def text(x):
        return str(int(x)) if isinstance(x, (int, np.integer)) else repr(float(x))

    print(",".join([str(case), what] + [text(x) for x in values]))


def mixed(rng, size):
    """Both signs, zeros, equal magnitudes, and many sizes."""
    x = (rng.normal(size=size) * 10.0 ** rng.integers(-6, 3, size=size)).astype(np.float32)
    x[3] = 0.0
    x[4] = -0.0
    x[5] = -x[0]
    x[6] = x[0]
    return x


def reduced_precision(case):
    rng = np.random.default_rng(case)
    ties = [1 + 2**-11, 1 + 3 * 2**-11, -(1 + 2**-11), 1 + 2**-11 + 2**-30, 2**-25, 3 * 2**-25, -(2**-25), 2**-24,
            2**-14 - 2**-25, 65504.0, 65519.99, -65519.0, 2**-14, 2**-26, 1023.5 * 2**-24]
    brain = [1 + 2**-8, 1 + 3 * 2**-8, -(1 + 2**-8), 1 + 2**-8 + 2**-40, 2**-134, 3 * 2**-134, -(2**-134), 2**-133,
             2**-126 - 2**-134, 3.3895313892515355e38, 2**-126, 1e-45, 127.5 * 2**-133]
    for dtype in (np.float32, np.float64):
        for name, specials in (("FLOAT16", ties), ("BFLOAT16", brain)):
            values = np.concatenate([mixed(rng, 60), np.array(specials)]).astype(dtype)
            print(f"{case},case,reduced-precision,{np.dtype(dtype).name},type={name}")
            line(case, "delta", values)
            if name == "FLOAT16":
                bits = [int(x) for x in values.astype(np.float16).view(np.uint16)]
                decoded = values.astype(np.float16).astype(dtype)
            else:
                bits = [bfloat16(float(x)) for x in values]
                decoded = [from_bfloat16(x) for x in bits]
            line(case, "encoded", bits)
            line(case, "decoded", decoded)
            case += 1
    return case


def quantization(case):
    for dtype, size, block, seed in ((np.float32, 50, 16, 7), (np.float32, 33, 64, -3), (np.float64, 21, 1, 12)):
        rng = np.random.default_rng(case)
        values = mixed(rng, size).astype(dtype)
        values[7:] = rng.normal(size=size - 7)
        if block == 16:
            values[16:32] = 0  # a block of zeros
        print(f"{case},case,stochastic-quantization,{np.dtype(dtype).name},blockSize={block};seed={seed}")
        line(case, "delta", values)
        generator = longs(derive(seed & MASK, "w"))
        scales, levels, decoded = [], [], []
        for start in range(0, size, block):
            x = values[start : start + block].astype(np.float64)
            largest = np.abs(x).max()
            scale = np.float32(largest / 127)
            if float(scale) * 127 < largest:
                scale = np.nextafter(scale, np.float32(np.inf))
            uniforms = np.array(halves(generator, len(x)), np.float64) / 2.0**32
            q = [0 if scale == 0 else math.floor(Fraction(v / float(scale)) + Fraction(u)) for v, u in zip(x, uniforms)]
            scales.append(scale)
            levels += q
            decoded += [dtype(k * float(scale)) for k in q]
        line(case, "scales", scales)
        line(case, "encoded", levels)
        line(case, "decoded", decoded)
        case += 1
    return case


def top_k(case):
    for dtype, size, share in ((np.float32, 30, 0.1), (np.float32, 40, 0.25), (np.float64, 12, 0.01)):
        rng = np.random.default_rng(case)
        print(f"{case},case,top-k,{np.dtype(dtype).name},share={share}")
        k = max(1, math.floor(share * size + 0.5))
        remainder = -np.zeros(size, dtype)  # -0 leaves every number as it is, -0 included
        for _ in range(3):
            delta = mixed(rng, size).astype(dtype)
            delta[10:] = np.sign(delta[10:]) * np.array(0.5, dtype)  # many ties
            line(case, "delta", delta)
            total = (remainder.astype(np.float64) + delta.astype(np.float64)).astype(dtype)
            magnitude = np.abs(total).astype(np.float32)
            places = sorted(sorted(range(size), key=lambda i: (-magnitude[i], i))[:k])
            decoded = np.zeros(size, dtype)
            decoded[places] = total[places]
            remainder = total.copy()
            remainder[places] = 0
            line(case, "places", places)
            line(case, "encoded", total[places])
            line(case, "decoded", decoded)
            line(case, "remainder", remainder)
        case += 1
    return case


def random_mask(case):
    for dtype, size, share, seed in ((np.float32, 45, 0.25, 99), (np.float64, 20, 0.7, -5), (np.float32, 9, 1.0, 1)):
        rng = np.random.default_rng(case)
        values = mixed(rng, size).astype(dtype)
        print(f"{case},case,random-mask,{np.dtype(dtype).name},share={share};seed={seed}")
        line(case, "delta", values)
        threshold = math.floor(share * 2**32 + 0.5)
        kept = np.array([u < threshold for u in halves(longs(derive(seed & MASK, "w")), size)])
        line(case, "encoded", values[kept])
        line(case, "decoded", np.where(kept, (values.astype(np.float64) / (threshold / 2**32)).astype(dtype), dtype(0)))
        case += 1
    return case


def main():
    print("# written by src/test/python/codecs.py")
    random_mask(top_k(quantization(reduced_precision(0))))


if __name__ == "__main__":
    sys.exit(main())
