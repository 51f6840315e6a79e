"""damage.py FOLDER: cuts every other file of a folder short, and changes a byte in the middle of the rest."""

import os
import sys

for number, name in enumerate(sorted(os.listdir(sys.argv[1]))):
    path = os.path.join(sys.argv[1], name)
    data = bytearray(open(path, "rb").read())
    if number % 2:
        data = data[:len(data) // 2]
    elif data:
        data[len(data) // 2] ^= 255
    open(path, "wb").write(data)
