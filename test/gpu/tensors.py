"""ONNX's TensorProto as numpy arrays, and models of another batch size."""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import sys

import numpy as np

TEST = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TEST, "conformance"), os.path.join(TEST, "bench")]
import cases  # noqa: E402
import wire  # noqa: E402

# By ONNX's number of the element type: numpy's type, and the field that holds the elements where there is no raw data.
TYPES = {1: ("f4", 4), 2: ("u1", 5), 3: ("i1", 5), 4: ("u2", 5), 5: ("i2", 5), 6: ("i4", 5), 7: ("i8", 7), 9: ("?", 5),
         10: ("f2", 5), 11: ("f8", 10), 12: ("u4", 11), 13: ("u8", 11)}


def signed(value):
    """Of a varint."""
    return value - (1 << 64) if value >> 63 else value


def varints(value):
    """The integers of a repeated field: one, or many packed."""
    if isinstance(value, int):
        return [value]
    numbers, number, shift = [], 0, 0
    for byte in bytes(value):
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number = shift = 0
    return numbers


def read_tensor(data):
    """(name, array) of a TensorProto; an array of None for element types that numpy does not have."""
    dims, element, name, raw, numbers = [], 0, "", None, []
    for field, value in cases.fields(memoryview(data)):
        if field == 1:
            dims += varints(value)
        elif field == 2:
            element = value
        elif field == 8:
            name = bytes(value).decode()
        elif field == 9:
            raw = bytes(value)
        elif field in (4, 5, 7, 10, 11):
            numbers.append((field, value))
    if element not in TYPES:
        return name, None
    dtype, field = np.dtype(TYPES[element][0]), TYPES[element][1]
    if raw is not None:
        return name, np.frombuffer(raw, dtype).reshape(dims)
    if field in (4, 10):
        flat = np.frombuffer(b"".join(bytes(value) for number, value in numbers if number == field), dtype)
    else:
        values = [signed(each) for number, value in numbers if number == field for each in varints(value)]
        flat = np.array(values, "u2").view("f2") if element == 10 else np.array(values, dtype)
    return name, flat.reshape(dims)


def read_file(path):
    with open(path, "rb") as file:
        return read_tensor(file.read())[1]


def replaced(data, change):
    """A message with each field's value as `change(number, value)` gives it, in the same order; None drops the field."""
    out = b""
    for number, value in cases.fields(memoryview(data)):
        value = change(number, value if isinstance(value, int) else bytes(value))
        if value is not None:
            out += wire.number(number, value) if isinstance(value, int) else wire.block(number, value)
    return out


def with_batch(model, batch):
    """A model whose inputs have a first dim of 1, as the networks of the suite have, for `batch` samples: that dim of the
    inputs and outputs, and of the shapes that Reshape is given."""
    graph = next(bytes(value) for number, value in cases.fields(memoryview(model)) if number == 7)
    shapes, constants = set(), set()
    for number, value in cases.fields(memoryview(graph)):
        if number == 1:
            fields = list(cases.fields(value))
            inputs = [bytes(text).decode() for field, text in fields if field == 1]
            if any(field == 4 and bytes(text) == b"Reshape" for field, text in fields):
                shapes.add(inputs[1])
        elif number == 5:
            constants.add(read_tensor(value)[0])

    def first_dim(info):
        """Of a ValueInfoProto: type, tensor type, shape, first dim."""
        seen = []

        def dim(number, value):
            seen.append(number)
            return wire.number(1, batch) if len(seen) == 1 and value == wire.number(1, 1) else value
        shape = lambda number, value: replaced(value, dim) if number == 2 else value  # noqa: E731
        kind = lambda number, value: replaced(value, shape) if number == 1 else value  # noqa: E731
        return replaced(info, lambda number, value: replaced(value, kind) if number == 2 else value)

    def change(number, value):
        if number in (11, 12):
            name = next(bytes(text).decode() for field, text in cases.fields(memoryview(value)) if field == 1)
            return value if name in constants else first_dim(value)
        if number == 5:
            name, array = read_tensor(value)
            if name in shapes and array[0] == 1:
                array = np.concatenate([[batch], array[1:]]).astype("i8")
                return wire.tensor(name, array.shape, array.tobytes(), wire.INT64)
        return None if number == 13 else value  # what an exporter noted of intermediate shapes
    graph = replaced(graph, change)
    return replaced(model, lambda number, value: graph if number == 7 else value)
