"""checkpointing.py EXAMPLES KEEPS REPEATS BATCH: two libraries of one training, of which the second computes activations again.

Says the workspaces of a step of BATCH samples, and whether five steps come to the same state, bit for bit.
"""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import ctypes as c
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
from run import DLTensor, TYPES, describe  # noqa: E402
from training import Training  # noqa: E402

BATCH = int(sys.argv[4])


def draw(info, random):
    shape = [BATCH if size < 0 else size for size in info.dims[:info.rank]]
    dtype = np.dtype(TYPES[info.code, info.bits])
    return random.integers(0, 2, shape).astype(dtype) if dtype.kind == "i" else random.normal(size=shape).astype(dtype)


def workspace(step, arrays):
    tensors = (DLTensor * len(arrays))(*[describe(array, info) for array, info in zip(arrays, step.inputs)])
    size = c.c_size_t()
    ask = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.POINTER(DLTensor), c.c_int32, c.POINTER(c.c_size_t))
    assert ask(step.table.workspace_size)(step.context, tensors, len(arrays), c.byref(size)) == 0
    return size.value


def train(path):
    training = Training(path, threads=1)
    training.init(3)
    random = np.random.default_rng(2)
    arrays = [draw(info, random) for info in training.train.inputs[:-1]] + [np.asarray(np.float32(0.01))]
    losses = [training.train(*arrays)[0] for _ in range(5)]
    assert losses[-1] < losses[0], losses
    return workspace(training.train, arrays), training.copy()


(keeps, expected), (repeats, state) = (train(path) for path in sys.argv[2:4])
print(f"workspace: {keeps} bytes, {repeats} with checkpointing: {'less' if repeats < 0.75 * keeps else 'NOT LESS'}")
print("same state" if all(np.array_equal(expected[name], state[name]) for name in expected) else "ANOTHER STATE")
