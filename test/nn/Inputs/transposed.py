"""Prints transposed convolutions of small integers, whose results are exact: one function a line of the list."""

import random

# input positions, filter taps, stride, pads before and behind, output padding, channels out of a group, groups
CASES = [
    ([5, 4], [4, 4], 2, [1, 1], [1, 1], 0, 16, 1),
    ([5, 4], [3, 3], 2, [1, 1], [1, 1], 1, 17, 1),
    ([4, 3], [5, 5], 2, [2, 2], [2, 2], 1, 16, 2),
    ([4, 3], [5, 3], 2, [1, 0], [2, 1], 0, 16, 1),
    ([7], [4], 3, [1], [0], 0, 18, 1),
    ([6], [7], 3, [2], [2], 0, 16, 2),
    ([3, 3, 2], [3, 3, 3], 2, [1, 1, 1], [1, 1, 1], 1, 16, 1),
]


def constant(generator, dims):
    count = 1
    for dim in dims:
        count *= dim
    data = b"".join(generator.choice((b"\0\0\0\0", b"\0\0\x80\x3f", b"\0\0\0\x40", b"\0\0\x80\xbf")) for _ in range(count))
    return f'dense<"0x{data.hex()}"> : tensor<{"x".join(map(str, dims))}xf32>'


def main():
    generator = random.Random(1)
    for number, (size, taps, stride, begin, end, extra, channels, group) in enumerate(CASES):
        x, w = [2, 3 * group] + size, [3 * group, channels] + taps
        result = [2, channels * group] + [(n - 1) * stride + k + extra - b - e for n, k, b, e in zip(size, taps, begin, end)]
        types = ["tensor<" + "x".join(map(str, dims)) + "xf32>" for dims in (x, w, [channels * group], result)]
        array = lambda values: "array<i64: " + ", ".join(map(str, values)) + ">"
        dims = len(size)
        print(f"func.func @case_{number}() -> {types[3]} {{")
        print(f"  %x = nn.constant {constant(generator, x)}\n  %w = nn.constant {constant(generator, w)}")
        print(f"  %b = nn.constant {constant(generator, [channels * group])}")
        print(f'  %0 = "nn.conv_transpose"(%x, %w, %b) {{strides = {array([stride] * dims)}, pads = {array(begin + end)}, '
              f"dilations = {array([1] * dims)}, output_padding = {array([extra] * dims)}, output_shape = array<i64>, "
              f"group = {group} : i64}} : ({', '.join(types[:3])}) -> {types[3]}")
        print(f"  return %0 : {types[3]}\n}}")


main()
