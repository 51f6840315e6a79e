#!/usr/bin/env python3
"""Prints an nn function of one convolution with bias, ReLU and perhaps a residual, for nn-to-kernel and kernel-check.

  nnconv.py winograd h=14 c=16 f=64 tile=4      the filter is transformed for F(tile×tile, 3×3)
  nnconv.py winograd h=14 pool=2                and a max pool of pool×pool squares behind it
  nnconv.py grouped h=14 c=24 f=48 group=3      the filter is packed group by group
  nnconv.py quantized h=14 c=16 f=64            8-bit integers, the filter packed for dot products

h, w, n may be `?`.
"""

import sys


def tensor(*dims, element="f32"):
    return f"tensor<{'x'.join(map(str, dims))}x{element}>"


def function(x, filters, result, conv, residual, pool=1):
    channels = result[-1]
    extra = f", %r: {tensor(*result)}" if residual else ""
    pooled = (result[0], *(out(size, pool, pool, 0) for size in result[1:3]), channels)
    print(f"func.func @convolution(%x: {tensor(*x)}, %w: {tensor(*filters)}, %b: {tensor(channels)}{extra}) -> {tensor(*pooled)} {{")
    print(f"  %0 = nn.conv %x, %w, %b {{{conv}, data_layout = #nn<data_layout channels_last>, out_channels = {channels} : i64}} : "
          f"({tensor(*x)}, {tensor(*filters)}, {tensor(channels)}) -> {tensor(*result)}")
    last = "%0"
    if residual:
        print(f"  %1 = nn.add {last}, %r : ({tensor(*result)}, {tensor(*result)}) -> {tensor(*result)}")
        last = "%1"
    print(f"  %2 = nn.relu {last} : ({tensor(*result)}) -> {tensor(*result)}")
    last = "%2"
    if pool > 1:
        print(f"  %3 = nn.max_pool {last} {{data_layout = #nn<data_layout channels_last>, kernel_shape = array<i64: {pool}, {pool}>, "
              f"{window(pool, 0)}}} : ({tensor(*result)}) -> {tensor(*pooled)}")
        last = "%3"
    print(f"  return {last} : {tensor(*pooled)}\n}}")


def out(size, k, s, p):
    return size if size == "?" else (size + 2 * p - k) // s + 1


def window(s, p):
    return f"strides = array<i64: {s}, {s}>, pads = array<i64: {p}, {p}, {p}, {p}>, dilations = array<i64: 1, 1>"


def winograd(n=1, h=14, w=0, c=16, f=64, tile=4, p=1, block=32, residual=0, pool=1):
    w, points = w or h, tile + 2
    function((n, h, w, c), ((f + block - 1) // block, points, points, c, block), (n, out(h, 3, 1, p), out(w, 3, 1, p), f),
             f"{window(1, p)}, filter_block = {block} : i64, winograd = {tile} : i64", residual, pool)


def grouped(n=1, h=14, w=0, c=24, f=48, group=3, k=1, s=1, p=0, residual=0):
    w = w or h
    function((n, h, w, c), (group, k, k, c // group, f // group), (n, out(h, k, s, p), out(w, k, s, p), f),
             f"{window(s, p)}, filter_block = {f // group} : i64, group = {group} : i64", residual)


def quantized(n=1, h=14, w=0, c=16, f=64, k=3, s=1, p=1, block=32, signed=0):
    w = w or h
    dims = (n, out(h, k, s, p), out(w, k, s, p), f)
    x, y, sums = tensor(n, h, w, c, element="i8" if signed else "ui8"), tensor(*dims), tensor(*dims, element="i32")
    filters = tensor((f + block - 1) // block, k, k, c // 4, block, 4, element="i8")
    bias, scale, narrow = tensor(f, element="i32"), tensor(f), tensor(*dims, element="i8")
    print(f"func.func @convolution(%x: {x}, %w: {filters}, %b: {bias}, %s: {scale}) -> {narrow} {{")
    print(f"  %0 = nn.conv %x, %w, %b {{{window(s, p)}, filter_block = {block} : i64, data_layout = #nn<data_layout channels_last>, "
          f"out_channels = {f} : i64}} : ({x}, {filters}, {bias}) -> {sums}")
    print(f"  %1 = nn.cast %0 {{to = f32}} : ({sums}) -> {y}")
    print(f"  %2 = nn.mul %1, %s : ({y}, {scale}) -> {y}")
    print(f"  %least = nn.constant dense<-128.0> : tensor<f32>\n  %most = nn.constant dense<127.0> : tensor<f32>")
    print(f"  %3 = nn.max %2, %least : ({y}, tensor<f32>) -> {y}")
    print(f"  %4 = nn.min %3, %most : ({y}, tensor<f32>) -> {y}")
    print(f"  %5 = nn.cast %4 {{to = i8}} : ({y}) -> {narrow}")
    print(f"  return %5 : {narrow}\n}}")


def main():
    options = dict(word.split("=", 1) for word in sys.argv[2:])
    globals()[sys.argv[1]](**{key: value if value == "?" else int(value) for key, value in options.items()})


main()
