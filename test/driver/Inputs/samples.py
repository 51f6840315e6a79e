"""Writes small data to train with.

usage: samples.py points FILE.npz [COUNT]       points of 8 features in 3 classes, one behind the other
       samples.py idx FOLDER [COUNT]            28×28 pictures as MNIST has them: a bright bar whose place is the class
"""
import os
import struct
import sys

import numpy as np

kind, path = sys.argv[1:3]
count = int(sys.argv[3]) if len(sys.argv) > 3 else 240
random = np.random.default_rng(5)
labels = np.arange(count) % (3 if kind == "points" else 10)


def write_idx(name, array):
    with open(os.path.join(path, name), "wb") as file:
        file.write(bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape) + array.astype("u1").tobytes())


if kind == "points":
    centres = random.normal(size=(3, 8))
    x = (centres[labels] + 0.3 * random.normal(size=(count, 8))).astype("float32")
    np.savez(path, x=x, y=labels)
else:
    os.makedirs(path, exist_ok=True)
    images = random.integers(0, 60, size=(count, 28, 28))
    for image, label in zip(images, labels):
        image[:, 2 * label + 4 : 2 * label + 6] = 230
    for name, part in (("train", slice(count // 5, None)), ("t10k", slice(count // 5))):
        write_idx(f"{name}-images-idx3-ubyte", images[part])
        write_idx(f"{name}-labels-idx1-ubyte", labels[part])
