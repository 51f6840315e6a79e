"""A training library (sinter/train.h) in numpy, and the checkpoints of sinter fit.

  training = Training("fit/model.so")
  training.load("fit/best.safetensors")
  y, = training.forward(x)
"""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import ctypes as c
import json

import numpy as np
from run import DLTensor, Model, Table, TensorInfo, TYPES

DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8"}


def read_safetensors(path):
    """Arrays by name."""
    with open(path, "rb") as file:
        content = file.read()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    return {name: np.frombuffer(content, DTYPES[info["dtype"]], int(np.prod(info["shape"])),
                                start + info["data_offsets"][0]).reshape(info["shape"])
            for name, info in header.items()}


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
                ("share", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p)),
                ("set_all_reduce", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p))]


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
        self.eval, self.forward = self.follow(self.table.eval_step), self.follow(self.table.forward)

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

    def load(self, path):
        """Takes the state of a checkpoint."""
        saved = read_safetensors(path)
        for name, view in self.state().items():
            if name != "first_sample":  # of a step for several processes
                view[...] = saved[name]
