"""export.py FOLDER MODEL... [--small] [--peers PEERS]: each model with random weights, compiled and exported as ONNX, gives
the same numbers by Sinter's library, by Sinter from its ONNX file, and by the ONNX Runtime in PEERS.

MODEL is a description; --small adds one of each built-in model.
"""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import argparse
import os
import subprocess
import sys

import numpy as np

INPUTS = os.path.dirname(os.path.abspath(__file__))
SINTER = os.environ["SINTER"]

def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def infer(library, folder, name):
    inputs = os.path.join(folder, "inputs")
    given = [word for file in os.listdir(inputs) for word in ("-i", f"{file[:-4]}={os.path.join(inputs, file)}")]
    run(SINTER, "run", library, *given, "-o", os.path.join(folder, name))


def compare(folder, name, tolerance):
    for file in sorted(os.listdir(os.path.join(folder, "a"))):
        ours, other = (np.load(os.path.join(folder, side, file)) for side in ("a", name))
        assert np.ptp(ours) > 1e-3, f"{file}: the outputs are all alike"
        np.testing.assert_allclose(other, ours, rtol=tolerance, atol=tolerance / 10, err_msg=file)


def check(model, folder, peers):
    run(sys.executable, os.path.join(INPUTS, "trained.py"), model, folder)
    path = {name: os.path.join(folder, name) for name in ("weights.safetensors", "a.so", "b.so", "model.onnx")}
    weights = ["--weights", path["weights.safetensors"]]
    run(SINTER, "compile", model, *weights, "-o", path["a.so"])
    run(SINTER, "export", model, *weights, "-o", path["model.onnx"])
    run(SINTER, "compile", path["model.onnx"], "-o", path["b.so"])
    infer(path["a.so"], folder, "a")
    infer(path["b.so"], folder, "b")
    compare(folder, "b", 1e-5)
    if not peers:
        return "agrees"
    run("node", os.path.join(INPUTS, "ort.js"), peers, path["model.onnx"], os.path.join(folder, "inputs"),
        os.path.join(folder, "ort"))
    compare(folder, "ort", 1e-4)
    return "agrees, and so does ONNX Runtime"


parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("models", nargs="*")
parser.add_argument("--small", action="store_true")
parser.add_argument("--peers")
arguments = parser.parse_args()
built_in = run(SINTER, "models", "--small").split() if arguments.small else []
for index, model in enumerate(built_in + arguments.models):
    print(os.path.basename(model), check(model, os.path.join(arguments.folder, str(index)), arguments.peers))
