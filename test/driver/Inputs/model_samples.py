"""Writes small sets that built-in models can learn.

usage: model_samples.py FOLDER
"""
import os
import sys

import numpy as np

os.chdir(sys.argv[1])
random = np.random.default_rng(4)
with open("pairs.tsv", "w") as file:
    for i in range(160):
        text = "".join(random.choice(list("abc"), size=4 if i == 0 else random.integers(2, 5)))
        file.write(f"{text}\t{text[::-1]}\n")
words = random.choice(list("abcdefg"), size=400)
with open("words.txt", "w") as file:
    file.write(" ".join(words) + "\n")
numbers = np.array([ord(word) - ord("a") for word in words])
np.savez("near.npz", word=numbers[:-1], y=numbers[1:])
word, context = np.divmod(np.arange(49), 7)
np.savez("counts.npz", word=word, context=context, y=((word + 1) * (context + 2)).astype("float32")[:, None])
pictures = (random.random([64, 8, 8, 1]) > 0.7).astype("float32")
np.savez("pictures.npz", x=pictures)
np.savez("both.npz", x=pictures, y=pictures)
np.savez("labels.npz", x=pictures, y=np.arange(64))
