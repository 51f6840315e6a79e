"""trained.py MODEL FOLDER: weights.safetensors of random numbers for a description, and inputs/NAME.npy, into FOLDER.

The names and shapes are those of the state that `sinter compile --train` gives the model.
"""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import json
import os
import re
import struct
import subprocess
import sys

import numpy as np

BATCH, TOKENS = 3, 4


def read_shape(text):
    return [int(size) if size != "?" else BATCH for size in text.split("x")[:-1]]


def draw(name, shape, random):
    if name.endswith("moving_variance"):
        return random.uniform(0.5, 2, shape).astype("float32")
    return random.normal(0, 1 / np.sqrt(shape[0]) if len(shape) > 1 else 0.5, shape).astype("float32")


model, folder = sys.argv[1:]
os.makedirs(os.path.join(folder, "inputs"), exist_ok=True)
printed = subprocess.run([os.environ["SINTER"], "compile", model, "--train", "--loss", "mean_squared_error", "--emit=nn",
                          "--elide-constants"], check=True, capture_output=True, text=True).stdout
main = next(line for line in printed.splitlines() if "func.func @main" in line)
random = np.random.default_rng(1)
header, data = {}, b""
for shape, attributes in re.findall(r"%arg\d+: tensor<([^>]*)> \{(.*?nn\.name = \"[^\"]*\"[^}]*)\}", main):
    name = re.search(r'nn\.name = "([^"]*)"', attributes)[1]
    kind = re.search(r'nn\.state = "([^"]*)"', attributes)
    if not kind and name not in ("target", "learning_rate"):
        size = read_shape(shape)
        x = random.integers(0, TOKENS, size) if shape.endswith("i64") else random.normal(0, 1, size).astype("float32")
        np.save(os.path.join(folder, "inputs", name + ".npy"), x)
    elif kind and kind[1] in ("parameter", "statistic"):
        value = draw(name, read_shape(shape), random).tobytes()
        header[name] = {"dtype": "F32", "shape": read_shape(shape), "data_offsets": [len(data), len(data) + len(value)]}
        data += value
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(os.path.join(folder, "weights.safetensors"), "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
