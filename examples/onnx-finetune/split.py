"""split.py DATA FOLDER COUNT: divides a data set of MNIST's format into two of half the classes each.

FOLDER/many has all pictures of the first classes, FOLDER/few only COUNT of each of the others, and all of their test
pictures; in both, classes count from 0.
"""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import gzip
import os
import struct
import sys

import numpy as np


def read(path):
    """The array of an IDX file of bytes, packed or not."""
    if not os.path.exists(path):
        path += ".gz"
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        data = file.read()
    shape = struct.unpack(f">{data[3]}i", data[4:4 + 4 * data[3]])
    return np.frombuffer(data, "u1", offset=4 + 4 * data[3]).reshape(shape)


def write(path, array):
    with open(path, "wb") as file:
        file.write(bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape) + array.tobytes())


data, folder, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
for part in ("train", "t10k"):
    images, labels = (read(os.path.join(data, f"{part}-{what}-ubyte")) for what in ("images-idx3", "labels-idx1"))
    half = (int(labels.max()) + 1) // 2
    few = labels >= half
    if part == "train":
        for label in range(half, 2 * half):
            few[np.flatnonzero(labels == label)[count:]] = False
    for name, chosen, first in (("many", labels < half, 0), ("few", few, half)):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        write(os.path.join(folder, name, f"{part}-images-idx3-ubyte"), images[chosen])
        write(os.path.join(folder, name, f"{part}-labels-idx1-ubyte"), labels[chosen] - np.uint8(first))
print(f"{half} classes with all pictures, {half} with {count} of each")
