"""Writes a stand-in for CIFAR-10 in its binary format, for machines where the data set is not at hand.

usage: stand_in.py FOLDER [PICTURES]      (default: 5000 to train with, a fifth of that to test)

These are not CIFAR-10's pictures: class c is a bright shape (c % 5: disc, square, ring, cross, stripes) of one of two
colours (c // 5), at a random place and size over noise. A network that learns them learns nothing about aeroplanes.
"""
import os
import sys

import numpy as np

NAMES = [f"{colour} {shape}" for colour in ("warm", "cold") for shape in ("disc", "square", "ring", "cross", "stripes")]


def picture(label, random):
    y, x = np.mgrid[0:32, 0:32] - random.uniform(10, 22, size=(2, 1, 1))
    size = random.uniform(5, 9)
    radius = np.hypot(y, x)
    inside = [
        radius < size,
        np.maximum(abs(y), abs(x)) < size * 0.85,
        abs(radius - size) < 1.8,
        (np.minimum(abs(y), abs(x)) < 1.8) & (np.maximum(abs(y), abs(x)) < size),
        (np.maximum(abs(y), abs(x)) < size) & (np.floor(y / 2) % 2 == 0),
    ][label % 5]
    colour = np.array([[220, 140, 60], [60, 140, 220]][label // 5])[:, None, None]
    noise = random.normal(90, 35, size=(3, 32, 32))
    return np.clip(np.where(inside, colour + noise - 90, noise), 0, 255).astype(np.uint8)


def write(path, count, random):
    with open(path, "wb") as file:
        for label in random.permutation(np.arange(count) % 10):
            file.write(bytes([label]) + picture(label, random).tobytes())


folder, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5000
os.makedirs(folder, exist_ok=True)
random = np.random.default_rng(1)
write(os.path.join(folder, "data_batch_1.bin"), count, random)
write(os.path.join(folder, "test_batch.bin"), count // 5, random)
with open(os.path.join(folder, "batches.meta.txt"), "w") as file:
    file.write("\n".join(NAMES) + "\n")
