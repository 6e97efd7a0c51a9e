"""Writes vectors.json, which the tests compare with: python3 make.py, in this folder, with NumPy 1.24 and glibc 2.36."""
import hashlib
import json
from decimal import Decimal, getcontext

import numpy as np


def hexes(a):
    return [float(v).hex() for v in a]


def digest(a, dtype):
    return hashlib.sha256(np.ascontiguousarray(a, dtype).tobytes()).hexdigest()


def run(seed):
    """One stream through all methods in turn, an odd number of normal numbers so that one is kept."""
    r = np.random.RandomState(seed)
    out = {"seed": seed}
    out["words"] = [int(v) for v in r._bit_generator.random_raw(8)]
    out["rand"] = hexes(r.rand(5))
    out["randn"] = hexes(r.randn(7))
    out["choices"] = [{"n": n, "values": r.choice(n, 6).tolist()} for n in (1, 2, 3, 10, 256, 1797, 60000, 2**31, 2**31 + 1, 2**32 - 1, 2**32)]
    out["randn_after"] = hexes(r.randn(2))
    out["choice_60000_100000"] = digest(r.choice(60000, 100000), "<i8")
    out["rand_100000"] = digest(r.rand(100000), "<f8")
    _, key, pos, has_gauss, gauss = r.get_state()
    out["state"] = {"key": digest(key, "<u4"), "pos": int(pos), "has_gauss": has_gauss, "gauss": gauss.hex()}
    return out


def notebook():
    """The weights that the notebook starts from, as a digest in float32 and element by element where they are few."""
    np.random.seed(42)
    w1, w2 = 0.01 * np.random.randn(784, 50), 0.01 * np.random.randn(50, 10)
    return {
        "W1_f32": digest(w1, "<f4"), "W2_f32": digest(w2, "<f4"), "W2": hexes(w2.ravel()),
        "first_batch": np.random.choice(60000, 100).tolist(),
    }


def logs():
    getcontext().prec = 50
    x = np.random.RandomState(7).rand(300)
    x = np.concatenate([x, 1 - x[:50] * 2.0**-20, x[:50] * 2.0**-90, [2.0**-104, 0.5, 1 - 2.0**-53, 1.0]])
    return [[float(v).hex(), float(Decimal(float(v)).ln()).hex()] for v in x]


def permutations():
    """Each as one stream draws it after the other."""
    r = np.random.RandomState(42)
    out = [{"n": n, "values": r.permutation(n).tolist()} for n in (1, 2, 3, 10, 33)]
    return {"small": out, "permutation_60000": digest(r.permutation(60000), "<i8"), "choice_after": r.choice(60000, 6).tolist()}


vectors = {"streams": [run(s) for s in (0, 42, 2**32 - 1)], "notebook": notebook(), "logs": logs(), "permutations": permutations()}
with open("vectors.json", "w") as f:
    json.dump(vectors, f, indent=0)
    f.write("\n")
