"""Holds the training of mlp.textproto to the parameters that the model came with.

usage: train_onnx.py EXAMPLES LIBRARY
"""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(__file__))
sys.path.insert(0, sys.argv[1])
from train import Training  # noqa: E402

training = Training(sys.argv[2])
assert training.names == ["step", "w", "b"], training.names
for seed in (0, 5):
    training.init(seed)
    state = training.state()
    assert np.array_equal(state["b"], np.float32([0, 1, -1, 0.5, 2, -0.25]))
    assert np.array_equal(state["w"].ravel()[:3], np.float32([0.5, -1, 2]))
x = np.random.default_rng(1).normal(size=[5, 4]).astype("float32")
target = np.eye(6, dtype="float32")[:5]
y, z = training.follow(training.table.forward)(x)
loss, = training.train(x, target, np.float32(0.1))
assert np.isclose(loss, ((y - target) ** 2).mean(), rtol=1e-5)
hidden = x @ state["w"] + state["b"]
assert np.allclose(z, np.maximum(hidden, 0), rtol=1e-5, atol=1e-6)
for _ in range(50):
    last, = training.train(x, target, np.float32(20))
assert last < loss / 2, (loss, last)
