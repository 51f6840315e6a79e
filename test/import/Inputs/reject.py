"""Compiles each model of a test file, all of which must be rejected, and prints what the compiler said.

  reject.py TEST FOLDER SINTER

The models are the parts of TEST behind lines `#--- NAME`, in protobuf's text form. For each: a line `NAME: status N`,
then the messages. Exit status 1 if a compilation took more than a minute or left a file.
"""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import re
import shutil
import subprocess
import sys

test, folder, sinter = map(os.path.abspath, sys.argv[1:])
shutil.rmtree(folder, ignore_errors=True)
os.makedirs(folder)
os.chdir(folder)
parts = re.split(r"^#--- (.*)\n", open(test, encoding="utf-8").read(), flags=re.M)[1:]
failed = False
for name, text in zip(parts[::2], parts[1::2]):
    model = subprocess.run(["protoc", "--encode=onnx.ModelProto", "-I/usr/include/onnx", "onnx.proto"],
                           input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    with open(name + ".onnx", "wb") as file:
        file.write(model)
    before = set(os.listdir())
    run = subprocess.run([sinter, "compile", name + ".onnx", "-o", name + ".so"], capture_output=True, text=True,
                         timeout=60, check=False)
    print(f"{name}: status {run.returncode}\n{run.stdout}{run.stderr}")
    left = set(os.listdir()) - before
    if left:
        print(f"{name}: left {left}")
        failed = True
sys.exit(failed)
