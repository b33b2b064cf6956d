"""Writes the golden arrays beside itself with NumPy (made with 1.24.2): python3 golden.py"""
import io
import os
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))


def save(name, array, version=None):
    data = io.BytesIO()
    np.lib.format.write_array(data, np.asanyarray(array), version=version, allow_pickle=True)
    with open(os.path.join(here, name + ".npy"), "wb") as out:
        out.write(data.getvalue())


floats = [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
for dtype in ["<f2", "<f4", "<f8", ">f2", ">f4", ">f8"]:
    save(dtype.replace("<", "le_").replace(">", "be_"), np.array([1.5, -2.0, 0.0, np.inf], dtype))
for bits in [8, 16, 32, 64]:
    for sign in ["i", "u"]:
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if sign == "i" else (0, 2**bits - 1)
        for order in "<>":
            dtype = "%s%s%d" % (order, sign, bits // 8)
            name = dtype.replace("<", "le_").replace(">", "be_")
            save(name, np.array([low, 1, high], dtype))
save("b1", np.array([True, False, True]))
save("scalar", np.float32(2.0625))
save("scalar_i8", np.int64(7))
save("empty", np.zeros((0,), "<f4"))
save("empty_2x0x3", np.zeros((2, 0, 3), "<f8"))
save("rows_2x3", np.array(floats, "<f4"))
save("columns_2x3", np.asfortranarray(np.array(floats, "<f4")))
save("columns_2x3x4_be_i2", np.asfortranarray(np.arange(24, dtype=">i2").reshape(2, 3, 4)))
save("rows_1x2x3x4", np.arange(24, dtype="<f4").reshape(1, 2, 3, 4))
save("rank_32", np.ones((1,) * 32, "<f4"))
# The header ends on a multiple of 64 without padding, and gets 64 blanks all the same.
save("boundary", np.zeros((0,) + (1,) * 11 + (10,) * 2, "<f4"))
save("version_2", np.array(floats, "<f4"), (2, 0))
save("version_3", np.array(floats, "<f4"), (3, 0))
save("refused_object", np.array([None, "x"], object))
save("refused_complex", np.array([1 + 2j], "<c8"))
save("refused_text", np.array(["a", "bc"], "<U2"))
save("refused_bytes", np.array([b"a", b"bc"], "S2"))
save("refused_date", np.array(["2020-01-01"], "datetime64[D]"))
save("refused_structured", np.array([(1, 2.0)], [("a", "<i4"), ("b", "<f4")]))
arrays = {"layer/weight": np.array(floats, "<f4"), "steps": np.int64(7), "mask": np.array([True, False])}
np.savez(os.path.join(here, "stored.npz"), **arrays)
np.savez_compressed(os.path.join(here, "deflated.npz"), **arrays)
np.savez(os.path.join(here, "none.npz"))
