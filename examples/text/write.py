"""Writes text with what sinter fit trained.

usage: write.py FOLDER [LETTERS [BEGINNING]]      (default: 400)
"""
import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "numpy"))
from training import Training  # noqa: E402

TEMPERATURE = 0.7  # below 1: what is likely becomes likelier

folder, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 400
letters = json.load(open(os.path.join(folder, "classes.json")))
training = Training(os.path.abspath(os.path.join(folder, "model.so")))
training.load(os.path.join(folder, "best.safetensors"))
random = np.random.default_rng(1)
text = [letters.index(c) for c in (sys.argv[3] if len(sys.argv) > 3 else "And it came to pass, ") if c in letters]
length = training.forward.inputs[0].dims[1]
for _ in range(count):
    window = np.zeros((1, length), "int64")
    known = text[-length:]
    window[0, : len(known)] = known
    probability = training.forward(window)[0][0, len(known) - 1, : len(letters)].astype("float64") ** (1 / TEMPERATURE)
    text.append(random.choice(len(letters), p=probability / probability.sum()))
print("".join(letters[i] for i in text))
