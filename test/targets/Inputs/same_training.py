"""Trains with two libraries of one model, on equal batches, and compares losses, state and evaluation.

usage: same_training.py EXAMPLES LIBRARY LIBRARY CLASSES [DIM=SIZE…]
"""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
from training import Training  # noqa: E402

STEPS, BATCH = 5, 4


def batch(info, random, sizes, classes):
    """Values for an input: numbers, or where it takes integers, words or classes."""
    shape = [info.dims[d] if info.dims[d] >= 0 else sizes.get(info.dim_names[d].decode(), BATCH)
             for d in range(info.rank)]
    return random.integers(0, classes, shape) if info.code == 0 else random.normal(size=shape).astype("float32")


def near(a, b, what, tolerance):
    worst = np.max(np.abs(a - b), initial=0) / max(1.0, np.max(np.abs(a), initial=0))
    assert np.all(np.isfinite(a)) and worst <= tolerance, (what, worst)


def main():
    classes, sizes = int(sys.argv[4]), {name: int(size) for name, size in (word.split("=") for word in sys.argv[5:])}
    first, second = Training(sys.argv[2]), Training(sys.argv[3])
    random, rate = np.random.default_rng(3), np.float32(0.01)
    for step in range(STEPS):
        inputs = [batch(info, random, sizes, classes) for info in first.train.inputs[:-1]]
        near(first.train(*inputs, rate)[0], second.train(*inputs, rate)[0], f"loss {step}", 1e-5)
    for a, b in zip(first.eval(*inputs), second.eval(*inputs)):
        near(a, b, "evaluation", 1e-4)
    # One tensor, by name: the others stay where they are. What is written there is what the next step sees.
    states = first.state(), second.state()
    for name, view in states[0].items():
        near(view, states[1][name], name, 1e-3)
    for state in states:
        next(view for view in state.values() if view.dtype == np.float32)[...] = 0.125
    near(first.eval(*inputs)[0], second.eval(*inputs)[0], "evaluation of what was written", 1e-5)
    near(first.train(*inputs, rate)[0], second.train(*inputs, rate)[0], "loss of what was written", 1e-5)
    print("same")


main()
