"""quantized.py: writes quantized.textproto, a model of quantized products and convolutions with constant weights, each with a
result of its own; their inputs as input_NAME.npy; and the results, computed in integers, as expected/NAME.npy. Sizes divide by
four and by the vectors' lanes, or do not; zero points are constants or inputs. The same for dequantized.textproto, in whose folder
dequantized are the inputs and results: float operators between DequantizeLinear."""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os

import numpy as np

random = np.random.default_rng(7)
TYPES = {np.dtype("float32"): 1, np.dtype("uint8"): 2, np.dtype("int8"): 3, np.dtype("int32"): 6}
graph, inputs, outputs = [], {}, {}


def integers(dtype, *shape):
    limits = np.iinfo(dtype)
    return random.integers(limits.min, limits.max + 1, shape, dtype)


def constant(name, array):
    array = np.asarray(array)
    field = "float_data" if array.dtype == np.float32 else "int32_data"
    graph.append(f'initializer {{ name: "{name}" data_type: {TYPES[array.dtype]} {" ".join(f"dims: {d}" for d in array.shape)} '
                 f'{field}: [{", ".join(map(str, array.ravel().tolist()))}] }}')
    return name


def given(name, array):
    inputs[name] = np.asarray(array)
    return name


def node(operator, names, result, value, attributes=""):
    graph.append(f'node {{ name: "{result}" op_type: "{operator}" {" ".join(f"input: {chr(34)}{n}{chr(34)}" for n in names)} '
                 f'output: "{result}" {attributes} }}')
    outputs[result] = value


def product(x, w, x_zero, w_zero):
    return (x.astype("int64") - int(x_zero)) @ (w.astype("int64") - int(w_zero))


def convolution(x, w, x_zero, w_zero, pad, stride, group=1):
    x = np.pad(x.astype("int64") - int(x_zero), [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    w = w.astype("int64") - np.asarray(w_zero, "int64").reshape(-1, 1, 1, 1)
    k, out, channels = w.shape[2], w.shape[0] // group, w.shape[1]
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))[:, :, ::stride, ::stride]
    return np.concatenate([np.einsum("nchwij,ocij->nohw", windows[:, g * channels:(g + 1) * channels],
                                     w[g * out:(g + 1) * out]) for g in range(group)], 1)


def requantize(sums, factor, zero, dtype):
    limits = np.iinfo(dtype)
    return np.clip(np.rint(sums.astype("int32").astype("float32") * factor) + np.float32(zero), limits.min, limits.max).astype(dtype)


def matmul_integer(name, m, k, n, x_type, w_type, x_zero, w_zero, runtime_zero=False):
    x, w = integers(x_type, m, k), integers(w_type, k, n)
    zero = np.asarray(x_zero, x_type)
    names = [given(name + "_x", x), constant(name + "_w", w),
             (given if runtime_zero else constant)(name + "_zero", zero), constant(name + "_wzero", np.asarray(w_zero, w_type))]
    node("MatMulInteger", names, name, product(x, w, x_zero, w_zero).astype("int32"))


def qlinear_matmul(name, m, k, n):
    x, w = integers("uint8", m, k), integers("int8", k, n)
    scales = np.float32([0.02, 0.003, 0.05])
    names = [given(name + "_x", x), constant(name + "_xs", scales[0]), constant(name + "_xz", np.uint8(119)),
             constant(name + "_w", w), constant(name + "_ws", scales[1]), constant(name + "_wz", np.int8(0)),
             constant(name + "_ys", scales[2]), constant(name + "_yz", np.uint8(131))]
    factor = scales[0] * scales[1] / scales[2]
    node("QLinearMatMul", names, name, requantize(product(x, w, 119, 0), factor, 131, "uint8"))


def conv_integer(name, channels, filters, size, x_type, pad, stride, x_zero, runtime_zero=False):
    x, w = integers(x_type, 1, channels, size, size), integers("int8", filters, channels, 3, 3)
    names = [given(name + "_x", x), constant(name + "_w", w), (given if runtime_zero else constant)(name + "_zero", np.asarray(x_zero, x_type))]
    attributes = f'attribute {{ name: "pads" type: INTS ints: [{pad}, {pad}, {pad}, {pad}] }} attribute {{ name: "strides" type: INTS ints: [{stride}, {stride}] }}'
    node("ConvInteger", names, name, convolution(x, w, x_zero, 0, pad, stride).astype("int32"), attributes)


def qlinear_conv(name, channels, filters, size, kernel, pad, group=1):
    x, w = integers("uint8", 2, channels, size, size), integers("uint8", filters, channels // group, kernel, kernel)
    bias = random.integers(-5000, 5000, filters).astype("int32")
    scales = np.float32(random.uniform(0.001, 0.004, filters))
    names = [given(name + "_x", x), constant(name + "_xs", np.float32(0.02)), constant(name + "_xz", np.uint8(11)),
             constant(name + "_w", w), constant(name + "_ws", scales), constant(name + "_wz", np.full(filters, 128, "uint8")),
             constant(name + "_ys", np.float32(0.07)), constant(name + "_yz", np.uint8(100)), constant(name + "_b", bias)]
    attributes = f'attribute {{ name: "pads" type: INTS ints: [{pad}, {pad}, {pad}, {pad}] }} attribute {{ name: "group" type: INT i: {group} }}'
    sums = convolution(x, w, 11, np.full(filters, 128), pad, 1, group) + bias.reshape(-1, 1, 1)
    factor = (np.float32(0.02) * scales / np.float32(0.07)).reshape(-1, 1, 1)
    node("QLinearConv", names, name, requantize(sums, factor, 100, "uint8"), attributes)


def dequantized(name, scale, zero, axis=1):
    names = [name, constant(name + "_s", scale), constant(name + "_z", zero)]
    graph.append(f'node {{ name: "{name}_f" op_type: "DequantizeLinear" {" ".join(f"input: {chr(34)}{n}{chr(34)}" for n in names)} '
                 f'output: "{name}_f" attribute {{ name: "axis" type: INT i: {axis} }} }}')
    return name + "_f"


def float_matmul(name, m, k, n):
    x, w = integers("uint8", m, k), integers("int8", k, n)
    scales = np.float32(random.uniform(0.001, 0.004, n))
    names = [dequantized(given(name + "_x", x), np.float32(0.02), np.uint8(31)),
             dequantized(constant(name + "_w", w), scales, np.zeros(n, "int8"))]
    node("MatMul", names, name, (product(x, w, 31, 0) * (np.float32(0.02) * scales)).astype("float32"))


def float_conv(name, channels, filters, size):
    x, w = integers("int8", 1, channels, size, size), integers("int8", filters, channels, 3, 3)
    scales, bias = np.float32(random.uniform(0.001, 0.004, filters)), random.standard_normal(filters, "float32")
    names = [dequantized(given(name + "_x", x), np.float32(0.02), np.int8(-7)),
             dequantized(constant(name + "_w", w), scales, np.zeros(filters, "int8"), 0), constant(name + "_b", bias)]
    sums = convolution(x, w, -7, 0, 1, 1) * (np.float32(0.02) * scales).reshape(-1, 1, 1) + bias.reshape(-1, 1, 1)
    node("Conv", names, name, sums.astype("float32"), 'attribute { name: "pads" type: INTS ints: [1, 1, 1, 1] }')


def write(name, folder):
    with open(name + ".textproto", "w", encoding="utf-8") as file:
        file.write(f'ir_version: 8 opset_import {{ version: 17 }} graph {{ name: "{name}"\n' + "\n".join(graph) + "\n")
        for kind, tensors in (("input", inputs), ("output", outputs)):
            for tensor, array in tensors.items():
                dims = " ".join(f"dim {{ dim_value: {d} }}" for d in array.shape)
                file.write(f'{kind} {{ name: "{tensor}" type {{ tensor_type {{ elem_type: {TYPES[array.dtype]} '
                           f'shape {{ {dims} }} }} }} }}\n')
        file.write("}\n")
    os.makedirs(os.path.join(folder, "expected"), exist_ok=True)
    for tensor, array in inputs.items():
        np.save(os.path.join(folder, f"input_{tensor}.npy"), array)
    for tensor, array in outputs.items():
        np.save(os.path.join(folder, "expected", f"{tensor}.npy"), array)
    with open(os.path.join(folder, "arguments"), "w", encoding="utf-8") as file:
        file.write(" ".join("-i " + os.path.join(folder, f"input_{tensor}.npy") for tensor in inputs))
    for each in (graph, inputs, outputs):
        each.clear()


matmul_integer("fours", 5, 64, 64, "uint8", "int8", 0, 0)
matmul_integer("odd", 33, 37, 70, "uint8", "int8", 120, 0)
matmul_integer("narrow", 9, 18, 5, "uint8", "int8", 3, 0)
matmul_integer("signed", 14, 40, 96, "int8", "uint8", -3, 128)
matmul_integer("late", 3, 30, 33, "uint8", "int8", 77, 0, runtime_zero=True)
matmul_integer("wide", 6, 20, 40, "uint8", "uint8", 9, 13)
qlinear_matmul("qmatmul", 17, 50, 48)
conv_integer("conv", 8, 32, 9, "uint8", 0, 1, 0)
conv_integer("border", 5, 20, 10, "uint8", 1, 2, 200)
conv_integer("signedconv", 6, 33, 7, "int8", 1, 1, 5, runtime_zero=True)
qlinear_conv("qconv", 16, 40, 8, 3, 1)
qlinear_conv("pointwise", 12, 64, 7, 1, 0)
qlinear_conv("depthwise", 24, 24, 9, 3, 1, group=24)
qlinear_conv("grouped", 16, 24, 6, 3, 1, group=4)
write("quantized", ".")

float_matmul("product", 7, 33, 40)
float_conv("convolution", 12, 20, 8)
write("dequantized", "dequantized")
