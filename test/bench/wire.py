"""Protobuf's wire format, as far as writing ONNX models and tensors needs it."""

import struct

FLOAT, INT64 = 1, 7  # ONNX's numbers of element types


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def block(field, data):
    """A submessage, a string or bytes."""
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def tensor(name, dims, raw, element=FLOAT):
    """A TensorProto; `raw`: the elements' bytes, little endian."""
    return b"".join(number(1, dim) for dim in dims) + number(2, element) + block(8, name) + block(9, raw)


def floats(values):
    return struct.pack(f"<{len(values)}f", *values)


def value_info(name, dims, element=FLOAT):
    shape = b"".join(block(1, number(1, dim)) for dim in dims)
    return block(1, name) + block(2, block(1, number(1, element) + block(2, shape)))


def node(operator, inputs, output, **attributes):
    """A NodeProto with one output; attributes are integers or lists of them."""
    data = b"".join(block(1, each) for each in inputs) + block(2, output) + block(4, operator)
    for name, value in attributes.items():
        if isinstance(value, int):
            data += block(5, block(1, name) + number(3, value) + number(20, 2))
        else:
            data += block(5, block(1, name) + b"".join(number(8, each) for each in value) + number(20, 7))
    return data


def model(nodes, inputs, outputs, initializers):
    """A ModelProto of opset 13."""
    graph = b"".join(block(1, each) for each in nodes) + block(2, "graph")
    graph += b"".join(block(5, each) for each in initializers)
    graph += b"".join(block(11, each) for each in inputs) + b"".join(block(12, each) for each in outputs)
    return number(1, 8) + block(7, graph) + block(8, number(2, 13))
