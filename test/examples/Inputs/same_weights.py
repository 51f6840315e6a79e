"""same_weights.py A.onnx B.onnx: lists the float initializers that two models have in common, and those that differ."""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import re
import subprocess
import sys


def weights(path):
    """Name → the text of its bytes, by protoc's text form."""
    with open(path, "rb") as file:
        text = subprocess.run(["protoc", "--decode=onnx.ModelProto", "-I/usr/include/onnx", "onnx.proto"], stdin=file,
                              check=True, capture_output=True, text=True).stdout
    found = re.findall(r"initializer \{(.*?)\n  \}", text, re.S)
    return {re.search(r'\n    name: "([^"]*)"', each)[1]: re.search(r"\n    raw_data: (.*)", each)[1]
            for each in found if "data_type: 1\n" in each}


a, b = (weights(path) for path in sys.argv[1:])
assert a.keys() == b.keys(), (a.keys(), b.keys())
for word, equal in (("same", True), ("other", False)):
    print(word + ":", *sorted(name for name in a if (a[name] == b[name]) == equal))
