"""Holds a step of a library for several processes to what sinter/train.h says of set_all_reduce.

usage: overlap.py EXAMPLES LIBRARY    says how many buckets begin before one is waited for
"""
import ctypes as c
import sys
import threading

import numpy as np

sys.path.insert(0, sys.argv[1])
from training import Training  # noqa: E402

training = Training(sys.argv[2], threads=1)
LARGE = 1000  # numbers of a bucket of gradients; a batch's mean has fewer
events, running = [], {}


@c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_int64)
def begin(_, numbers, count):
    """Doubles them on another thread."""
    array = np.frombuffer((c.c_float * count).from_address(numbers), "float32")
    events.append(("begin", count))
    running[numbers] = threading.Thread(target=lambda: np.multiply(array, 2, out=array)), count
    running[numbers][0].start()
    return 0


@c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p)
def end(_, numbers):
    if not numbers:  # after a failure: all
        return 0
    thread, count = running.pop(numbers)
    events.append(("end", count))
    thread.join()
    return 0


@c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_int64)
def at_once(_, numbers, count):
    begin(None, numbers, count)
    return end(None, numbers)


@c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_int64)
def fails(_, numbers, count):
    return 1


info = training.train.inputs[0]
x = np.random.default_rng(1).normal(size=[12, *info.dims[1:info.rank]]).astype("float32")
target = np.arange(12) % 3


def step(first=None, second=None):
    """The state after one step with these functions."""
    training.init(3)
    given = [c.cast(function, c.c_void_p) if function else None for function in (first, second)]
    assert training.table.set_all_reduce(training.train.context, *given, None) == 0
    training.train(x, target, np.float32(0.01))
    return training.copy()


alone = step()
beside = step(begin, end)
assert not running, "a step waits for all that it began"
large = [kind for kind, count in events if count > LARGE]
parameters = sum(array.size for name, array in alone.items() if name + "/m" in alone)
assert sum(count for kind, count in events if kind == "begin" and count > LARGE) == parameters
assert sum(not np.array_equal(array, beside[name]) for name, array in alone.items()) > 4, "the update sees what came"
after = step(at_once)
assert all(np.array_equal(array, after[name]) for name, array in beside.items()), "both ways give the same bits"
try:
    step(fails, end)
    raise AssertionError("a failure passes")
except ValueError as error:
    assert "can't be brought together" in str(error), error
buckets = len(large) // 2
assert large == ["begin"] * buckets + ["end"] * buckets, events
print(f"{buckets} buckets begin before one is waited for")
