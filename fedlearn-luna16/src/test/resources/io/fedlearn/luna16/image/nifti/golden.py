"""Writes NIfTI-1 images beside itself, field by field, and what is to be read of them: python3 golden.py (NumPy 2)

Rotations are made by Rodrigues' formula, their quaternions from axis and angle, so that neither uses the reader's formulas.
expected.csv has, for each image: file, size, spacing, origin and axes in LPS, values.
"""
import gzip
import os
import struct
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
SIZE = (3, 4, 2)
SPACING = np.array([0.75, 0.5, 2.5])
ORIGIN = np.array([-120.25, 33.5, 1024.125])
rows = []

FIELDS = [
    ("sizeof_hdr", "i", 348), ("data_type", "10s", b""), ("db_name", "18s", b""), ("extents", "i", 0),
    ("session_error", "h", 0), ("regular", "c", b"r"), ("dim_info", "B", 0), ("dim", "8h", (3, *SIZE, 1, 1, 1, 1)),
    ("intent_p", "3f", (0, 0, 0)), ("intent_code", "h", 0), ("datatype", "h", 4), ("bitpix", "h", 16),
    ("slice_start", "h", 0), ("pixdim", "8f", (1, *SPACING, 0, 0, 0, 0)), ("vox_offset", "f", 352),
    ("scl_slope", "f", 0), ("scl_inter", "f", 0), ("slice_end", "h", 0), ("slice_code", "B", 0),
    ("xyzt_units", "B", 2), ("cal_max", "f", 0), ("cal_min", "f", 0), ("slice_duration", "f", 0),
    ("toffset", "f", 0), ("glmax", "i", 0), ("glmin", "i", 0), ("descrip", "80s", b"generated"),
    ("aux_file", "24s", b""), ("qform_code", "h", 0), ("sform_code", "h", 0), ("quatern", "3f", (0, 0, 0)),
    ("qoffset", "3f", (0, 0, 0)), ("srow", "12f", (0,) * 12), ("intent_name", "16s", b""), ("magic", "4s", b"n+1\0"),
]


def header(order, **given):
    data = b""
    for name, code, default in FIELDS:
        value = given.pop(name, default)
        data += struct.pack(order + code, *(value if isinstance(value, tuple) else (value,)))
    assert not given and len(data) == 348, (given, len(data))
    return data


def rotation(axis, degrees):
    x, y, z = axis = np.array(axis, float) / np.linalg.norm(axis)
    angle = np.radians(degrees)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return matrix, tuple(np.sin(angle / 2) * axis)


def sform(matrix, origin=ORIGIN, code=1):
    affine = np.column_stack([matrix * SPACING, origin])
    return {"sform_code": code, "srow": tuple(affine.reshape(-1))}


def qform(quaternion, code=1, qfac=1, origin=ORIGIN):
    return {
        "qform_code": code, "quatern": quaternion, "qoffset": tuple(origin),
        "pixdim": (qfac, *SPACING, 0, 0, 0, 0),
    }


def text(numbers):
    return " ".join(repr(float(n)) for n in np.asarray(numbers).reshape(-1))


def expect(name, matrix, values, origin=ORIGIN):
    lps = np.diag([-1, -1, 1])
    axes = (lps @ matrix).T
    values = " ".join(str(int(v)) for v in values)
    rows.append(",".join([name, "%d %d %d" % SIZE, text(SPACING), text(lps @ origin), text(axes), values]))


def write(name, data):
    if name.endswith(".gz"):
        data = gzip.compress(data, mtime=0)
    with open(os.path.join(here, name), "wb") as out:
        out.write(data)


hu = np.arange(24) * 100 - 1000
ras, no_turn = rotation((0, 0, 1), 0)
_, half_turn = rotation((0, 0, 1), 180)
itk = np.diag([-1.0, -1.0, 1.0])
oblique, oblique_quaternion = rotation((1, 2, 3), 33)
flipped = oblique * [1, 1, -1]
other, other_quaternion = rotation((1, 0, 0), 10)

# Both byte orders; the matrix of LUNA16's own scans; no scale.
for order, name in (("<", "little.nii"), (">", "big.nii")):
    write(name, header(order, **sform(itk)) + bytes(4) + hu.astype(order + "i2").tobytes())
    expect(name, itk, hu)

# The two ways to say where the patient lies, and which one counts.
write("qform.nii", header("<", **qform(oblique_quaternion)) + bytes(4) + hu.astype("<i2").tobytes())
expect("qform.nii", oblique, hu)
write("qform_flipped.nii", header(">", **qform(oblique_quaternion, qfac=-1)) + bytes(4) + hu.astype(">i2").tobytes())
expect("qform_flipped.nii", flipped, hu)
write("half_turn.nii", header("<", **qform(half_turn)) + bytes(4) + hu.astype("<i2").tobytes())
expect("half_turn.nii", itk, hu)
write("sform_oblique.nii", header("<", **sform(flipped, code=2)) + bytes(4) + hu.astype("<i2").tobytes())
expect("sform_oblique.nii", flipped, hu)
both = {**qform(other_quaternion), **sform(oblique)}
write("sform_of_scanner.nii", header("<", **both) + bytes(4) + hu.astype("<i2").tobytes())
expect("sform_of_scanner.nii", oblique, hu)
both = {**qform(other_quaternion), **sform(oblique, origin=ORIGIN + 5, code=4)}
write("sform_of_atlas.nii", header("<", **both) + bytes(4) + hu.astype("<i2").tobytes())
expect("sform_of_atlas.nii", other, hu)
skewed = oblique.copy()
skewed[:, 1] = 0.8 * oblique[:, 1] + 0.6 * oblique[:, 0]
both = {**qform(other_quaternion), **sform(skewed)}
write("sform_skewed.nii", header("<", **both) + bytes(4) + hu.astype("<i2").tobytes())
expect("sform_skewed.nii", other, hu)

# Every datatype, with and without a scale.
TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
stored = np.arange(24) * 5
for code, dtype in TYPES.items():
    for order, suffix in (("<", ""), (">", "_big")):
        fields = {"datatype": code, "bitpix": 8 * np.dtype(dtype).itemsize, **sform(ras)}
        name = "type_%d%s.nii.gz" % (code, suffix)
        write(name, header(order, **fields) + bytes(4) + stored.astype(order + dtype).tobytes())
        expect(name, ras, stored)
        name = "scaled_%d%s.nii.gz" % (code, suffix)
        scaled = header(order, scl_slope=1.25, scl_inter=-1024, **fields)
        write(name, scaled + bytes(4) + stored.astype(order + dtype).tobytes())
        expect(name, ras, np.rint(stored * 1.25 - 1024))

# Rounded to the nearest, halves to the even number.
halves = np.array([-1.5, -0.5, 0.5, 1.5, 2.5, 2.4999, -1024.5, 3071.75] * 3)
write("halves.nii", header("<", datatype=16, bitpix=32, **sform(ras)) + bytes(4) + halves.astype("<f4").tobytes())
expect("halves.nii", ras, np.rint(halves.astype("f4")))
# A slope that is no number is none.
nan = header("<", scl_slope=float("nan"), scl_inter=7, **sform(ras))
write("slope_nan.nii", nan + bytes(4) + hu.astype("<i2").tobytes())
expect("slope_nan.nii", ras, hu)

# An extension of 32 bytes ahead of the voxels; a fourth dimension of 1; no unit.
extension = b"\1\0\0\0" + struct.pack("<ii", 32, 6) + b"a comment".ljust(24, b"\0")
with_extension = header("<", vox_offset=384, dim=(4, *SIZE, 1, 1, 1, 1), xyzt_units=0, **sform(itk))
for name in ("extension.nii", "extension.nii.gz"):
    write(name, with_extension + extension + hu.astype("<i2").tobytes())
    expect(name, itk, hu)

# Pairs; in one of them the voxels begin later.
for stem, header_end, voxels_end, offset in (("pair", ".hdr", ".img", 0), ("packed", ".hdr.gz", ".img.gz", 16)):
    write(stem + header_end, header(">", magic=b"ni1\0", vox_offset=offset, **sform(flipped)) + bytes(4))
    write(stem + voxels_end, bytes(offset) + hu.astype(">i2").tobytes())
    expect(stem + header_end, flipped, hu)
    expect(stem + voxels_end, flipped, hu)

with open(os.path.join(here, "expected.csv"), "w") as out:
    out.write("\n".join(rows) + "\n")
