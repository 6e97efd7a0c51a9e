"""What the training loops in Python have in common: the conversation with the program that measures them.

The text of a library's loops is put behind this one, and the whole is run by a python3 of its own. It ends with a
call of serve, which first says in a line of JSON what the loops stand on. Then it reads the problem, a line of JSON
and behind it the arrays as they are in memory, answers "ready", and from there on every line with a line:

    begin LOOP SEED     go back to the parameters of the problem; draw batches from SEED on        ok
    step LOOP PICK...   one step on these samples                                                  ok
    run LOOP N          N steps on batches that the loop draws                                     seconds
    params LOOP         W1, b1, W2, b2 as float64, one after the other                             base64

It ends when its input does. While it waits for a line it uses no processor.
"""
import base64
import ctypes
import importlib
import json
import signal
import sys
import time

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that started this one: it ends our input
sys.path[:] = [folder for folder in sys.path if folder]  # no modules of the folder that somebody happens to be in


def load(name):
    """Import a library, or end in a few words."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        sys.exit(str(error))


np = load("numpy")

# The C library of Linux takes from this block, once it is freed, up to what size it should keep memory for the next
# array, instead of returning it after every step and having it zeroed anew, which takes as long as a step of NumPy.
# Programs get into that state by themselves when they have read enough data.
np.empty(31 << 20, np.uint8)


class Problem:
    """The net, its first parameters, and the samples it learns."""

    def __init__(self, stream):
        head = json.loads(stream.readline())
        self.dtype = np.dtype(head["type"])
        self.batch, self.rate = head["batch"], head["rate"]
        count, inputs, hidden, classes = (head[key] for key in ("samples", "inputs", "hidden", "classes"))

        def read(dtype, *shape):
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            data = stream.read(size)
            if len(data) != size:
                sys.exit(f"the problem ended after {len(data)} of {size} bytes of an array")
            return np.frombuffer(data, dtype).reshape(shape)

        self.images = (read(np.uint8, count, inputs) / head["divisor"]).astype(self.dtype)
        self.labels = read(np.uint8, count)
        shapes = (inputs, hidden), (hidden,), (hidden, classes), (classes,)
        self.start = [read(np.float64, *shape).astype(self.dtype) for shape in shapes]


class Loop:
    """A training loop: its parameters, how it draws a batch, and what it does with it."""

    def __init__(self, start, params, seed, draw, given, step):
        self.start = start  # arrays of NumPy
        self.params = params  # the same as arrays of NumPy that share memory with those the steps change
        self.seed = seed  # of what draw draws from
        self.draw = draw  # the numbers of a batch's samples
        self.given = given  # a batch that somebody else has drawn, in the form that draw returns
        self.step = step

    def begin(self, seed):
        for param, start in zip(self.params, self.start):
            param[...] = start
        self.seed(seed)

    def run(self, n):
        draw, step = self.draw, self.step
        begin = time.perf_counter()
        for _ in range(n):
            step(draw())
        return time.perf_counter() - begin


def openblas():
    """Ask the OpenBLAS that is loaded, if one is, for its version, its kernels and its threads."""
    try:
        with open("/proc/self/maps") as maps:
            files = dict.fromkeys(line.split(None, 5)[5].strip() for line in maps if "blas" in line)
    except OSError:
        return {}
    for file in sorted(files, key=lambda file: "openblas" not in file.rpartition("/")[2]):  # not one that leads to it
        try:
            library = ctypes.CDLL(file)
        except OSError:
            continue
        for prefix, suffix in ("", ""), ("", "64_"), ("scipy_", ""), ("scipy_", "64_"):  # as in the wheels of PyPI

            def ask(name, result):
                function = getattr(library, prefix + name + suffix)
                function.restype = result
                return function()

            try:
                config = ask("openblas_get_config", ctypes.c_char_p).decode()
                kernels = ask("openblas_get_corename", ctypes.c_char_p).decode()
                threads = ask("openblas_get_num_threads", ctypes.c_int)
            except AttributeError:
                continue
            return {"blas": " ".join(config.split()[:2]), "blas_path": file, "kernels": kernels, "threads": threads}
    return {}


def serve(module, begin, blas):
    """Do what is asked for, by the loops that begin(problem) returns by name. They stand on module and on blas."""
    stdin, stdout = sys.stdin.buffer, sys.stdout

    def answer(line):
        stdout.write(f"{line}\n")
        stdout.flush()

    facts = {"python": sys.executable, "version": module.__version__, "path": module.__file__, **blas}
    answer(json.dumps(facts))
    loops = begin(Problem(stdin))
    answer("ready")
    for line in stdin:
        command, name, *words = line.decode().split()
        loop = loops[name]
        if command == "begin":
            loop.begin(int(words[0]))
            answer("ok")
        elif command == "step":
            loop.step(loop.given([int(word) for word in words]))
            answer("ok")
        elif command == "run":
            answer(repr(loop.run(int(words[0]))))
        elif command == "params":
            flat = np.concatenate([param.ravel() for param in loop.params]).astype(np.float64)
            answer(base64.b64encode(flat.tobytes()).decode())
        else:
            sys.exit(f"asked to {command}")
