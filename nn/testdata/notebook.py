"""The notebook's run in NumPy, whose printed values the Go trainer is tested against.

    for p in seed scaled; do python3 notebook.py FOLDER $p > golden/$p.txt; done

FOLDER holds the four gzipped IDX files of MNIST. The files in golden/ were made with NumPy 1.24.2 and
OpenBLAS 0.3.21 in float64. A line of two numbers is what the notebook prints, the accuracies over the whole
training and test sets; "final" stands before those after the last update, "loss" and an iteration before the
loss of its batch after the update.
"""
import gzip
import os
import sys

import numpy as np

folder, preset = sys.argv[1:]


def read(name, header, *shape):
    with gzip.open(os.path.join(folder, name + ".gz")) as f:
        return np.frombuffer(f.read()[header:], np.uint8).reshape(*shape)


x_train, t_train = read("train-images-idx3-ubyte", 16, -1, 784), read("train-labels-idx1-ubyte", 8, -1)
x_test, t_test = read("t10k-images-idx3-ubyte", 16, -1, 784), read("t10k-labels-idx1-ubyte", 8, -1)
if preset == "scaled":
    x_train, x_test = x_train / 255, x_test / 255

np.random.seed(42)
w1, b1 = 0.01 * np.random.randn(784, 50), np.zeros(50)
w2, b2 = 0.01 * np.random.randn(50, 10), np.zeros(10)


def forward(x):
    hidden = np.dot(x, w1) + b1
    hidden[hidden <= 0] = 0
    return hidden, np.dot(hidden, w2) + b2


def softmax(x):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def accuracy(x, t):
    return np.sum(np.argmax(forward(x)[1], axis=1) == t) / float(len(t))


rows, rate = np.arange(100), 0.1
for i in range(6000):
    batch = np.random.choice(len(t_train), 100)
    x, t = x_train[batch], t_train[batch]
    hidden, logits = forward(x)
    d = softmax(logits)
    d[rows, t] -= 1
    d /= 100
    dw2, db2 = np.dot(hidden.T, d), np.sum(d, axis=0)
    d = np.dot(d, w2.T)
    d[hidden <= 0] = 0
    dw1, db1 = np.dot(x.T, d), np.sum(d, axis=0)
    w1 -= rate * dw1
    b1 -= rate * db1
    w2 -= rate * dw2
    b2 -= rate * db2
    loss = -np.sum(np.log(softmax(forward(x)[1])[rows, t] + 1e-7)) / 100
    if i < 20 or i % 250 == 0:
        print("loss", i, loss)
    if i % (len(t_train) / 100) == 0:
        print(accuracy(x_train, t_train), accuracy(x_test, t_test))
print("final", accuracy(x_train, t_train), accuracy(x_test, t_test))
