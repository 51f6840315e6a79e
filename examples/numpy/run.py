#!/usr/bin/env python3
"""Runs a compiled model on numpy arrays, without copies and without packages of Sinter.

  python3 run.py model.so x=x.npy ... [batch=4]     inputs by name; zeros for those that are not given

`Model` below is all that a program needs: model = Model("model.so"); y, = model(x)
"""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import ctypes as c
import sys

import numpy as np


class DLTensor(c.Structure):
    """DLPack's tensor; the device (type, number) and the type (code, bits, lanes) written as plain fields."""
    _fields_ = [("data", c.c_void_p), ("device_type", c.c_int32), ("device_id", c.c_int32), ("ndim", c.c_int32),
                ("code", c.c_uint8), ("bits", c.c_uint8), ("lanes", c.c_uint16), ("shape", c.POINTER(c.c_int64)),
                ("strides", c.POINTER(c.c_int64)), ("byte_offset", c.c_uint64)]


class TensorInfo(c.Structure):
    _fields_ = [("name", c.c_char_p), ("code", c.c_uint8), ("bits", c.c_uint8), ("lanes", c.c_uint16),
                ("rank", c.c_int32), ("dims", c.POINTER(c.c_int64)), ("dim_names", c.POINTER(c.c_char_p))]


class Table(c.Structure):
    """SinterModel of sinter/model.h."""
    _fields_ = [("abi_version", c.c_uint32), ("struct_size", c.c_uint32), ("name", c.c_char_p),
                ("producer", c.c_char_p), ("target", c.c_char_p), ("input_count", c.c_int32),
                ("output_count", c.c_int32), ("inputs", c.POINTER(TensorInfo)), ("outputs", c.POINTER(TensorInfo)),
                ("context_create", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.POINTER(c.c_void_p))),
                ("context_destroy", c.CFUNCTYPE(None, c.c_void_p)),
                ("workspace_size", c.c_void_p), ("set_workspace", c.c_void_p), ("prepare", c.c_void_p),
                ("run", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.POINTER(DLTensor), c.c_int32, c.POINTER(DLTensor),
                                    c.c_int32)),
                ("last_error", c.CFUNCTYPE(c.c_char_p, c.c_void_p)),
                ("status_text", c.CFUNCTYPE(c.c_char_p, c.c_int32))]


# DLPack's code and bits of numpy's types. numpy has no bfloat16: its bits come as uint16.
TYPES = {(2, 16): np.float16, (2, 32): np.float32, (2, 64): np.float64, (4, 16): np.uint16, (6, 8): np.bool_,
         **{(0, 8 * n): f"i{n}" for n in (1, 2, 4, 8)}, **{(1, 8 * n): f"u{n}" for n in (1, 2, 4, 8)}}


def describe(array, info):
    """A DLTensor that points to the array; both must live until the run is over."""
    shape = (c.c_int64 * max(array.ndim, 1))(*array.shape)
    # The given type where it is the model's in other words, so that a wrong one is told by the library.
    same = array.dtype == np.dtype(TYPES[info.code, info.bits])
    code = {"b": 6, "i": 0, "u": 1, "f": 2, "c": 5}.get(array.dtype.kind, 3)
    return DLTensor(array.ctypes.data, 1, 0, array.ndim, info.code if same else code, 8 * array.itemsize, 1, shape,
                    None, 0)


class Model:
    def __init__(self, path):
        self.library = c.CDLL(path)
        self.library.sinter_model.restype = c.POINTER(Table)
        self.table = self.library.sinter_model().contents
        self.inputs = self.table.inputs[:self.table.input_count]
        self.outputs = self.table.outputs[:self.table.output_count]
        self.context = c.c_void_p()
        status = self.table.context_create(c.addressof(self.table), None, c.byref(self.context))
        if status:
            raise RuntimeError(self.table.status_text(status).decode())

    def __del__(self):
        if getattr(self, "context", None):
            self.table.context_destroy(self.context)

    def __call__(self, *arrays):
        """The outputs as arrays of their own."""
        arrays = [np.ascontiguousarray(a) if np.ndim(a) else np.asarray(a) for a in arrays]
        if len(arrays) != len(self.inputs):
            raise ValueError(f"expected {len(self.inputs)} inputs, given {len(arrays)}")
        given = (DLTensor * max(len(arrays), 1))(*map(describe, arrays, self.inputs))
        results = (DLTensor * max(len(self.outputs), 1))()
        if self.table.run(self.context, given, len(arrays), results, len(self.outputs)):
            raise ValueError(self.table.last_error(self.context).decode())
        return [self._array(result) for result in results[:len(self.outputs)]]

    @staticmethod
    def _array(tensor):
        dtype = np.dtype(TYPES[tensor.code, tensor.bits])
        shape = tensor.shape[:tensor.ndim]
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        bytes_ = c.string_at(tensor.data, size) if size else b""  # a copy: the next run overwrites its results
        return np.frombuffer(bytes_, dtype).reshape(shape)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    model = Model(sys.argv[1])
    given = dict(word.split("=", 1) for word in sys.argv[2:])
    arrays = []
    for info in model.inputs:
        name = info.name.decode()
        if name in given:
            arrays.append(np.load(given[name]))
            continue
        shape = [info.dims[d] if info.dims[d] >= 0 else int(given.get(info.dim_names[d].decode(), 1))
                 for d in range(info.rank)]
        arrays.append(np.zeros(shape, TYPES[info.code, info.bits]))
    for info, array in zip(model.outputs, model(*arrays)):
        print(f"{info.name.decode()}: {array.dtype}{list(array.shape)} {array.ravel()[:8]}")


if __name__ == "__main__":
    main()
