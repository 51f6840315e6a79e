"""Holds a training library to what sinter/train.h says.

usage: train.py EXAMPLES LIBRARY    says `learned` if all holds, and the loss falls to a third
"""
import ctypes as c
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
from run import DLTensor, Model, Table, TensorInfo, TYPES, describe  # noqa: E402


class Initializer(c.Structure):
    _fields_ = [("kind", c.c_int32), ("a", c.c_double), ("b", c.c_double), ("stream", c.c_uint64),
                ("values", c.c_void_p)]


class StateInfo(c.Structure):
    _fields_ = [("tensor", TensorInfo), ("kind", c.c_int32), ("initializer", Initializer)]


class TrainingTable(c.Structure):
    _fields_ = [("abi_version", c.c_uint32), ("struct_size", c.c_uint32), ("train_step", c.POINTER(Table)),
                ("eval_step", c.POINTER(Table)), ("forward", c.POINTER(Table)), ("state_count", c.c_int32),
                ("states", c.POINTER(StateInfo)), ("description", c.c_char_p),
                ("init", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_uint64)),
                ("state", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_int32, c.POINTER(DLTensor))),
                ("share", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p))]


class Options(c.Structure):
    """What SinterContextOptions begins with."""
    _fields_ = [("struct_size", c.c_size_t), ("threads", c.c_int32)]


class Entry(Model):
    """One of the three models, with a context."""

    def __init__(self, table, threads=0):
        self.table = table
        self.inputs = table.inputs[:table.input_count]
        self.outputs = table.outputs[:table.output_count]
        self.context = c.c_void_p()
        options = Options(c.sizeof(Options), threads)
        assert table.context_create(c.addressof(table), c.addressof(options), c.byref(self.context)) == 0


class Training:
    def __init__(self, path, threads=0):
        self.library = c.CDLL(path)
        self.library.sinter_training.restype = c.POINTER(TrainingTable)
        self.table = self.library.sinter_training().contents
        assert self.table.struct_size == c.sizeof(TrainingTable)
        self.states = self.table.states[:self.table.state_count]
        self.names = [info.tensor.name.decode() for info in self.states]
        self.train = Entry(self.table.train_step.contents, threads)

    def follow(self, model):
        entry = Entry(model.contents)
        assert self.table.share(entry.context, self.train.context) == 0
        return entry

    def init(self, seed):
        assert self.table.init(self.train.context, seed) == 0

    def state(self):
        """Views of the state as it is now, by name."""
        views = {}
        for i, name in enumerate(self.names):
            tensor = DLTensor()
            assert self.table.state(self.train.context, i, c.byref(tensor)) == 0
            dtype = np.dtype(TYPES[tensor.code, tensor.bits])
            shape = tensor.shape[:tensor.ndim]
            data = (c.c_char * (int(np.prod(shape)) * dtype.itemsize)).from_address(tensor.data)
            views[name] = np.frombuffer(data, dtype).reshape(shape)
        return views

    def copy(self):
        return {name: view.copy() for name, view in self.state().items()}


def same(a, b):
    return all(np.array_equal(a[name], b[name]) for name in a)


def main():
    random = np.random.default_rng(1)
    training = Training(sys.argv[2])
    eval_step, forward = training.follow(training.table.eval_step), training.follow(training.table.forward)
    print("description:", training.table.description.decode())
    print("state:", *training.names)
    info = training.train.inputs[0]
    x = random.normal(size=[12, *info.dims[1:info.rank]]).astype("float32")
    target = np.arange(12) % 3
    rate = np.float32(0.01)

    first = training.copy()
    training.init(7)
    seven = training.copy()
    assert not same(first, seven), "seeds differ"
    training.init(0)
    assert same(first, training.state()), "a context begins with seed 0"

    loss, accuracy, *outputs = eval_step(x, target)
    assert np.array_equal(forward(x)[0], outputs[0])
    assert same(first, training.state()), "evaluation changes nothing"
    try:
        training.train(x, target[:3], rate)
        raise AssertionError("a wrong batch passes")
    except ValueError as error:
        assert "batch" in str(error), error
    assert same(first, training.state()), "a step that failed changes nothing"

    losses = [training.train(x, target, rate)[0] for _ in range(60)]
    print(losses[0], losses[-1])
    assert losses[0] == loss, "the step's loss is that before its update"
    assert losses[-1] < losses[0] / 3
    assert training.state()["step"] == 60
    assert eval_step(x, target)[0] < losses[-1], "evaluation sees the new state"

    saved = training.copy()
    after = [training.train(x, target, rate)[0] for _ in range(3)]
    training.init(9)
    for name, view in training.state().items():
        view[...] = saved[name]
    again = [training.train(x, target, rate)[0] for _ in range(3)]
    assert after == again, "a state that was set goes on bit for bit"
    print("learned")


if __name__ == "__main__":
    main()
