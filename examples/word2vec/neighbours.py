"""Shows the words whose vectors are nearest.

usage: neighbours.py FOLDER [WORD…]
"""
import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "numpy"))
from training import read_safetensors  # noqa: E402

folder, words = sys.argv[1], sys.argv[2:]
names = json.load(open(os.path.join(folder, "classes.json")))
vectors = read_safetensors(os.path.join(folder, "best.safetensors"))["words/embeddings"][: len(names)]
vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
for word in words or [w for w in ("king", "son", "bread", "seven", "father", "sword", "city", "he") if w in names]:
    if word not in names:
        sys.exit(f"'{word}' is none of the {len(names)} most frequent words")
    near = np.argsort(-(vectors @ vectors[names.index(word)]))[1:6]
    print(f"{word:10}", ", ".join(names[i] for i in near))
