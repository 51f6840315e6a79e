#!/usr/bin/env python3
"""Builds here what a machine with a GPU needs to judge and time Sinter's code: one archive of compiled libraries, recorded
inputs and outputs, and scripts. There, nothing of Sinter is needed:

  tar xzf kit.tar.gz && python3 kit/measure.py --report gpu-results.md

`./dev gpu` calls this; with --run it also unpacks the archive and runs it here, as a device that OpenCL finds lets it.
"""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

import numpy as np

import tensors
from tensors import cases, wire

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(tensors.TEST)
sys.path.insert(0, os.path.join(tensors.TEST, "conformance"))
import run as conformance  # noqa: E402


class Kit:
    """A folder with libraries and data, and the list of what is there."""

    def __init__(self, arguments, folder):
        self.sinter = os.path.join(os.path.abspath(arguments.build), "bin", "sinter")
        self.target, self.folder, self.entries = arguments.target, folder, []
        for name in ("lib", "data", "onnx"):
            os.makedirs(os.path.join(folder, name))

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def compile(self, model, key):
        """The reason why not, or ''."""
        command = [self.sinter, "compile", model, f"--target={self.target}", "-q", "-o", self.path("lib", key + ".so")]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if os.path.exists(self.path("lib", key + ".h")):
            os.unlink(self.path("lib", key + ".h"))
        return result.stderr.strip()[:300] or f"status {result.returncode}" if result.returncode else ""

    def case(self, case):
        """A case of the suite: its library, and its first set of inputs and outputs."""
        key, folder = case.name.replace("/", "."), os.path.join(case.folder, "test_data_set_0")
        data = {name[:-3]: tensors.read_file(os.path.join(folder, name))
                for name in os.listdir(folder) if name.endswith(".pb")}
        if not data or any(array is None for array in data.values()):
            return {"case": case.name, "skipped": "its data is no plain tensor"}
        problem = self.compile(os.path.join(case.folder, "model.onnx"), key)
        if problem:
            return {"case": case.name, "skipped": problem}
        np.savez_compressed(self.path("data", key + ".npz"), **data)
        tolerance = {"rtol": 1e-3, "atol": 1e-7}
        if os.path.exists(os.path.join(case.folder, "data.json")):
            with open(os.path.join(case.folder, "data.json"), encoding="utf-8") as file:
                tolerance.update((name, value) for name, value in json.load(file).items() if name in tolerance)
        return {"case": case.name, "library": key, **tolerance}

    def network(self, case, batch):
        """A network to time, with as many samples; PyTorch runs the same graph there."""
        name = os.path.basename(case.folder).replace("test_", "", 1)
        key = f"{name}.batch{batch}"
        with open(os.path.join(case.folder, "model.onnx"), "rb") as file:
            model = tensors.with_batch(file.read(), batch)
        with open(self.path("onnx", key + ".onnx"), "wb") as file:
            file.write(model)
        problem = self.compile(self.path("onnx", key + ".onnx"), key)
        return {"network": name, "batch": batch, "library": key, **({"skipped": problem} if problem else {})}

    def product(self, size):
        key = f"matmul{size}"
        dims = [size, size]
        with open(self.path("onnx", key + ".onnx"), "wb") as file:
            file.write(wire.model([wire.node("MatMul", ["a", "b"], "y")],
                                  [wire.value_info("a", dims), wire.value_info("b", dims)],
                                  [wire.value_info("y", dims)], []))
        problem = self.compile(self.path("onnx", key + ".onnx"), key)
        return {"product": size, "library": key, **({"skipped": problem} if problem else {})}


def chosen_cases(arguments):
    expected = {}
    for path in conformance.expected_files(arguments.target):
        expected.update(conformance.read_expected(path, expected))
    found, _ = conformance.default_suites(os.path.abspath(arguments.build))
    found = [case for case in found if case.name not in expected and not case.name.startswith("onnx-light/")]
    if arguments.filter:
        found = [case for case in found if re.search(arguments.filter, case.name)]
    return cases.sample(found, arguments.sample) if arguments.sample else found


def chosen_networks(arguments):
    light = cases.unpacked_archives(os.path.abspath(arguments.build)).get("onnx-light")
    return [case for case in (cases.find_cases(light) if light else []) if re.search(arguments.networks, case.name)]


def main():
    numbers = lambda text: [int(word) for word in text.split(",") if word]  # noqa: E731
    parser = argparse.ArgumentParser(description="Build what a machine with a GPU runs.")
    parser.add_argument("--build", default="build", help="build folder (default: build)")
    parser.add_argument("--target", default="sm_80", help="default: sm_80, whose PTX runs on all later GPUs")
    parser.add_argument("-o", "--output", help="the archive (default: BUILD/gpu/kit.tar.gz)")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--filter", help="only conformance cases whose name matches")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="N cases of each operator (default: 1; 0: all)")
    parser.add_argument("--networks", default=".", help="only light networks whose name matches")
    parser.add_argument("--batches", type=numbers, default=[1, 32], help="of networks (default: 1,32)")
    parser.add_argument("--sizes", type=numbers, default=[1024, 2048, 4096, 8192], help="of products")
    parser.add_argument("--run", nargs=argparse.REMAINDER, help="run the kit here, with these arguments of measure.py")
    arguments = parser.parse_args()
    output = arguments.output or os.path.join(arguments.build, "gpu", "kit.tar.gz")
    os.makedirs(os.path.dirname(os.path.abspath(output)), exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        kit = Kit(arguments, os.path.join(folder, "kit"))
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            work = [pool.submit(kit.case, case) for case in chosen_cases(arguments)]
            work += [pool.submit(kit.product, size) for size in arguments.sizes]
            work += [pool.submit(kit.network, case, batch)
                     for case in chosen_networks(arguments) for batch in arguments.batches]
            entries = [each.result() for each in work]
        for script in ("test/gpu/measure.py", "test/gpu/torch_graph.py", "examples/numpy/run.py"):
            shutil.copy(os.path.join(TOP, script), kit.folder)
        with open(kit.path("kit.json"), "w", encoding="utf-8") as file:
            json.dump({"target": arguments.target, "entries": entries}, file, indent=1)
        with tarfile.open(output, "w:gz") as archive:
            archive.add(kit.folder, "kit")
        skipped = [entry for entry in entries if "skipped" in entry]
        for entry in skipped:
            print(f"left out: {next(iter(entry.values()))}: {entry['skipped']}", file=sys.stderr)
        print(f"{output}: {len(entries) - len(skipped)} libraries, {os.path.getsize(output) / 2**20:.1f} MiB", flush=True)
        if arguments.run is not None:
            return subprocess.run([sys.executable, kit.path("measure.py"), *arguments.run], check=False).returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
