"""A network of ONNX as PyTorch runs it: the same graph, its weights on PyTorch's device.

Covers the operators of the light networks of ONNX's suite; reads models with the `onnx` package.
"""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np


class Graph:
    def __init__(self, path, peer):
        import onnx
        import onnx.numpy_helper as helper
        graph = onnx.load(path).graph
        self.torch, self.functional = peer.torch, peer.torch.nn.functional
        self.nodes, self.values, constants = [], {}, {}
        for tensor in graph.initializer:
            constants[tensor.name] = helper.to_array(tensor)
        for node in graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type == "ConstantOfShape":
                value = helper.to_array(attributes["value"]) if "value" in attributes else np.zeros(1, "f4")
                constants[node.output[0]] = np.full(constants[node.input[0]], value[0])
            elif node.op_type == "Unsqueeze" and node.input[0] in constants:
                axes = attributes["axes"] if "axes" in attributes else constants[node.input[1]].tolist()
                constants[node.output[0]] = np.expand_dims(constants[node.input[0]], tuple(axes))
            else:
                self.nodes.append((getattr(self, node.op_type.lower()), list(node.input), node.output[0], attributes))
        self.shapes = {name: array.tolist() for name, array in constants.items() if array.dtype == np.int64}
        for name, array in constants.items():
            if array.dtype != np.int64:
                self.values[name] = peer.tensor(np.ascontiguousarray(array))
        self.input = next(info.name for info in graph.input if info.name not in constants)
        self.output = graph.output[0].name

    def __call__(self, x):
        values = {**self.values, **self.shapes, self.input: x}
        for function, inputs, output, attributes in self.nodes:
            values[output] = function(attributes, *[values[name] if name else None for name in inputs])
        return values[self.output]

    def padded(self, attributes, x, fill):
        """x with the attributes' pads, where PyTorch's own can't express them; else (x, pads of it)."""
        pads = list(attributes.get("pads", [0, 0, 0, 0]))
        if pads[:2] == pads[2:]:
            return x, pads[:2]
        return self.functional.pad(x, [pads[1], pads[3], pads[0], pads[2]], value=fill), [0, 0]

    def conv(self, attributes, x, weight, bias=None):
        x, pads = self.padded(attributes, x, 0.0)
        return self.functional.conv2d(x, weight, bias, attributes.get("strides", 1), pads,
                                      attributes.get("dilations", 1), attributes.get("group", 1))

    def maxpool(self, attributes, x):
        x, pads = self.padded(attributes, x, float("-inf"))
        return self.functional.max_pool2d(x, attributes["kernel_shape"], attributes.get("strides", 1), pads)

    def averagepool(self, attributes, x):
        pads = list(attributes.get("pads", [0, 0, 0, 0]))
        if pads[:2] == pads[2:]:
            return self.functional.avg_pool2d(x, attributes["kernel_shape"], attributes.get("strides", 1), pads[:2],
                                              count_include_pad=bool(attributes.get("count_include_pad", 0)))
        # Sums over counts: what was padded doesn't count.
        x, ones = (self.padded(attributes, each, 0.0)[0] for each in (x, self.torch.ones_like(x[:1, :1])))
        mean = lambda each: self.functional.avg_pool2d(  # noqa: E731
            each, attributes["kernel_shape"], attributes.get("strides", 1))
        return mean(x) if attributes.get("count_include_pad", 0) else mean(x) / mean(ones)

    def globalaveragepool(self, attributes, x):
        return x.mean((2, 3), keepdim=True)

    def batchnormalization(self, attributes, x, scale, bias, mean, variance):
        return self.functional.batch_norm(x, mean, variance, scale, bias, eps=attributes.get("epsilon", 1e-5))

    def lrn(self, attributes, x):
        return self.functional.local_response_norm(x, attributes["size"], attributes.get("alpha", 1e-4),
                                                   attributes.get("beta", 0.75), attributes.get("bias", 1.0))

    def gemm(self, attributes, a, b, bias):
        a = a.t() if attributes.get("transA") else a
        b = b.t() if attributes.get("transB") else b
        return self.torch.addmm(bias, a, b, beta=attributes.get("beta", 1.0), alpha=attributes.get("alpha", 1.0))

    def softmax(self, attributes, x):
        axis = attributes.get("axis", 1)  # before opset 13: of all dims from the axis on
        return x.flatten(axis).softmax(-1).reshape(x.shape)

    def relu(self, attributes, x):
        return x.relu()

    def add(self, attributes, a, b):
        return a + b

    def mul(self, attributes, a, b):
        return a * b

    def sum(self, attributes, *values):
        return sum(values[1:], values[0])

    def concat(self, attributes, *values):
        return self.torch.cat(values, attributes["axis"])

    def reshape(self, attributes, x, shape):
        return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(shape)])

    def transpose(self, attributes, x):
        return x.permute(attributes["perm"])

    def unsqueeze(self, attributes, x, axes=None):
        for axis in attributes.get("axes", axes):
            x = x.unsqueeze(axis)
        return x

    def dropout(self, attributes, x):
        return x
