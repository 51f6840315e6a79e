"""Feeds a run's output, which is the library's memory, to the next run: y = x W, times and times.

usage: own_output.py make FILE | own_output.py run EXAMPLES LIBRARY
"""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import ctypes as c
import os
import sys

import numpy as np

SIZE, ROWS = 48, 7
weights = np.random.default_rng(2).normal(0, SIZE**-0.5, (SIZE, SIZE)).astype("f4")

if sys.argv[1] == "make":
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
    import wire
    with open(sys.argv[2], "wb") as file:
        file.write(wire.model([wire.node("MatMul", ["x", "w"], "y")], [wire.value_info("x", [ROWS, SIZE])],
                              [wire.value_info("y", [ROWS, SIZE])],
                              [wire.tensor("w", [SIZE, SIZE], weights.tobytes())]))
else:
    sys.path.insert(0, sys.argv[2])
    from run import DLTensor, Model, describe
    model = Model(sys.argv[3])
    x = np.random.default_rng(3).normal(size=(ROWS, SIZE)).astype("f4")
    given, expected = describe(x, model.inputs[0]), x.astype("f8")
    for _ in range(6):
        result = DLTensor()
        assert model.table.run(model.context, given, 1, result, 1) == 0, model.table.last_error(model.context)
        expected = expected @ weights
        actual = model._array(result)
        assert np.max(np.abs(actual - expected)) < 1e-5, np.max(np.abs(actual - expected))
        shape = result.shape[:2]
        given = DLTensor(result.data, 1, 0, 2, 2, 32, 1, (c.c_int64 * 2)(*shape), None, 0)
    print("right")
