#!/usr/bin/env python3
"""Prints an nn function of one product by Strassen's algorithm with bias, ReLU and perhaps a residual, for nn-to-kernel and
kernel-check:  nnmatmul.py m=128 k=64 n=192 v=48 b=2 residual=1. b may be `?`. plain=1: the kernel makes the right side's sums;
turned=1: and the left side is transposed.
"""

import sys


def tensor(*dims):
    return f"tensor<{'x'.join(map(str, dims))}xf32>"


def product(b=0, m=64, k=64, n=96, v=48, residual=0, plain=0, turned=0):
    lead = (b,) if b else ()
    x, w, y = tensor(*lead, m, k), tensor(7, n // (2 * v), k // 2, v), tensor(*lead, m, n)
    options = f"columns = {n} : i64, rhs_block = {v} : i64, strassen"
    if plain:
        w, options = tensor(*lead, k, n), f"rhs_block = {v} : i64, strassen"
    if turned:
        x, options = tensor(*lead, k, m), options + ", transpose_lhs"
    extra = f", %r: {y}" if residual else ""
    print(f"func.func @product(%x: {x}, %w: {w}, %b: {tensor(n)}{extra}) -> {y} {{")
    print(f"  %0 = nn.matmul %x, %w {{{options}}} : ({x}, {w}) -> {y}")
    print(f"  %1 = nn.add %0, %b : ({y}, {tensor(n)}) -> {y}")
    last = "%1"
    if residual:
        print(f"  %2 = nn.add %1, %r : ({y}, {y}) -> {y}")
        last = "%2"
    print(f"  %3 = nn.relu {last} : ({y}) -> {y}")
    print(f"  return %3 : {y}\n}}")


options = dict(word.split("=", 1) for word in sys.argv[1:])
product(**{key: value if value == "?" else int(value) for key, value in options.items()})
