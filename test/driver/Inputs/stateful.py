"""Holds a library with stateful layers to one with the same layers that gets whole sequences.

usage: stateful.py EXAMPLES STATEFUL.so PLAIN.so    parts have 2 samples of 4 steps of 3 numbers
"""
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
from training import Training  # noqa: E402

stateful, plain = Training(sys.argv[2]), Training(sys.argv[3])
print("state:", *stateful.names)
CARRIED = 6
carried = [info.tensor.name.decode() for info in stateful.states if info.kind == CARRIED]
x = np.random.default_rng(1).normal(size=[2, 12, 3]).astype("float32")
parts = np.split(x, 3, axis=1)
target = np.array([2, 0])
rate = np.float32(0)
stateful.init(5)
plain.init(5)
names = [name for name in plain.names if name in stateful.names]
assert all(np.array_equal(stateful.copy()[name], plain.copy()[name]) for name in names)


def reset():
    for name in carried:
        stateful.state()[name][...] = 0


def near(given, expected):
    assert np.allclose(given, expected, rtol=1e-4, atol=1e-5), (given, expected)


runs = {"forward": lambda training, x: training.forward(x)[0],
        "eval": lambda training, x: training.eval(x, target)[0],
        "train": lambda training, x: training.train(x, target, rate)[0]}
for name, run in runs.items():
    reset()
    for i, part in enumerate(parts):
        given = run(stateful, part)
        near(given, run(plain, x[:, :4 * (i + 1)]))
    reset()
    near(run(stateful, parts[2]), run(plain, parts[2]))

# The three share what is carried; the rest of the state is no evaluation's to change.
reset()
rest = {name: array for name, array in stateful.copy().items() if name not in carried}
stateful.forward(parts[0])
stateful.eval(parts[1], target)
near(stateful.forward(parts[2])[0], plain.forward(x)[0])
assert all(np.array_equal(array, stateful.state()[name]) for name, array in rest.items())

# A run that fails leaves all as it was, and what was saved goes on bit for bit.
saved = stateful.copy()
try:
    stateful.train(parts[0], target[:1], rate)
    raise AssertionError("a wrong batch passes")
except ValueError:
    assert all(np.array_equal(array, stateful.state()[name]) for name, array in saved.items())
after = [stateful.train(part, target, np.float32(0.1))[0] for part in parts]
stateful.init(9)
assert not any(stateful.state()[name].any() for name in carried), "what is new begins with zeros"
for name, view in stateful.state().items():
    view[...] = saved[name]
assert after == [stateful.train(part, target, np.float32(0.1))[0] for part in parts]
print("one sequence in parts is one sequence")
