"""Writes the archives that the tests read: python3 make.py, in this folder, with NumPy 1.24."""
import numpy as np

w = np.arange(6, dtype=np.float32).reshape(2, 3)
arrays = dict(
    w=w,
    fortran=np.asfortranarray(w),
    fortran3=np.asfortranarray(np.arange(24, dtype=np.int16).reshape(2, 3, 4)),
    big=np.array([1.5, -2.5], ">f8"),
    scalar=np.float64(0.1),
    empty=np.zeros(0, np.int64),
    pixels=np.array([[0, 255], [7, 8]], np.uint8),
    labels=np.array([5, 0, 4], np.int64),
    words=np.array([1, 2**32 - 1], np.uint32),
)
np.savez("plain.npz", **arrays)
np.savez_compressed("compressed.npz", **arrays)
np.savez("others.npz", complex=np.array([1j]), text=np.array(["a"]), truth=np.array([True]), record=np.zeros(2, "i4,f4"))
