"""Compares the noise of a run with the words of its text.

usage: noise.py EXAMPLES TEXT FOLDER    says how many shares there are, if each is right
"""
import json
import os
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
from training import read_safetensors  # noqa: E402

words = open(sys.argv[2]).read().split()
names = json.load(open(os.path.join(sys.argv[3], "classes.json")))
weights = np.array([words.count(name) for name in names]) ** 0.75
shares = read_safetensors(os.path.join(sys.argv[3], "last.safetensors"))["noise/cumulative"]
assert np.allclose(shares, np.cumsum(weights) / weights.sum(), rtol=1e-6), (shares, weights)
assert shares[-1] == 1
print(len(shares), "shares")
