"""Writes reference.safetensors beside itself with the reference implementation (made with safetensors 0.8.0)."""
import os
import numpy as np
from safetensors.numpy import save_file

here = os.path.dirname(os.path.abspath(__file__))
tensors = {
    "weight": np.arange(6, dtype="<f4").reshape(2, 3),
    "steps": np.array(5, "<i8"),
    "mask": np.array([True, False, True]),
    "empty": np.zeros((0, 3), "<f8"),
    "half": np.array([1.5, -2.0], "<f2"),
    "bytes": np.array([0, 255], "u1"),
}
save_file(tensors, os.path.join(here, "reference.safetensors"), metadata={"format": "np"})
