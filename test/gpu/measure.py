#!/usr/bin/env python3
"""Judges and times the libraries of a kit (test/gpu/kit.py) on the machine that it was carried to, and writes a page.

  python3 measure.py [--report gpu-results.md] [--seconds 1] [--peer auto|cuda|cpu|none]

Needs numpy, and PyTorch to compare with it; a kit's device needs its driver. Exits with 1 when an output is wrong.
"""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import argparse
import ctypes as c
import json
import os
import statistics
import sys
import time

import numpy as np

from run import TYPES, DLTensor, Model, Table

HERE = os.path.dirname(os.path.abspath(__file__))
CUDA = 2  # DLPack's device type


class Options(c.Structure):
    """SinterContextOptions of sinter/model.h."""
    _fields_ = [("struct_size", c.c_size_t), ("threads", c.c_int32), ("allocate", c.c_void_p), ("deallocate", c.c_void_p),
                ("allocator_user", c.c_void_p), ("parallel_for", c.c_void_p), ("parallel_user", c.c_void_p),
                ("device", c.c_int32), ("stream", c.c_void_p), ("error", c.c_char_p), ("error_bytes", c.c_size_t)]


class WholeTable(Table):
    """SinterModel up to its end."""
    _fields_ = [("internal", c.c_void_p), ("device_name", c.CFUNCTYPE(c.c_char_p, c.c_void_p))]


class Library(Model):
    """A library of the kit, with a context whose failure is told in the driver's words."""

    def __init__(self, key):
        self.library = c.CDLL(os.path.join(HERE, "lib", key + ".so"))
        self.library.sinter_model.restype = c.POINTER(WholeTable)
        self.table = self.library.sinter_model().contents
        self.inputs = self.table.inputs[:self.table.input_count]
        self.outputs = self.table.outputs[:self.table.output_count]
        self.context = c.c_void_p()
        words = c.create_string_buffer(512)
        options = Options(struct_size=c.sizeof(Options), error=c.addressof(words), error_bytes=len(words))
        if self.table.context_create(c.addressof(self.table), c.addressof(options), c.byref(self.context)):
            raise RuntimeError(words.value.decode(errors="replace"))

    @property
    def device(self):
        return self.table.device_name(self.context).decode() or "the CPU"

    def random_inputs(self, generator):
        return [generator.standard_normal(info.dims[:info.rank]).astype(TYPES[info.code, info.bits])
                for info in self.inputs]

    def call(self, given, results):
        """A run on tensors of DLPack, wherever they are."""
        if self.table.run(self.context, given, len(self.inputs), results, len(self.outputs)):
            raise RuntimeError(self.table.last_error(self.context).decode(errors="replace"))


def median_time(function, seconds, synchronize=lambda: None):
    """Seconds of one call, after two to warm up; what is queued on the device is waited for."""
    for _ in range(2):
        function()
    synchronize()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        function()
        synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


#===-- PyTorch -----------------------------------------------------------------------------------------------------===#


class Peer:
    """PyTorch on the GPU, or for trying this script on the CPU."""

    def __init__(self, kind):
        self.torch = None
        if kind == "none":
            return
        try:
            import torch
        except ImportError:
            return
        if torch.cuda.is_available() or kind == "cpu":
            self.torch, self.device = torch, "cpu" if kind == "cpu" else "cuda"

    def __bool__(self):
        return self.torch is not None

    def synchronize(self):
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def tensor(self, array):
        return self.torch.from_numpy(array).to(self.device)

    def describe(self, tensor):
        """The same memory for a library; None if its device is another."""
        bits, shape = 8 * tensor.element_size(), (c.c_int64 * max(tensor.dim(), 1))(*tensor.shape)
        code = 2 if tensor.is_floating_point() else 0
        return DLTensor(tensor.data_ptr(), CUDA if self.device == "cuda" else 1, 0, tensor.dim(), code, bits, 1, shape,
                        None, 0)

    def times(self, function, seconds, compiled):
        """{words: seconds of one call}: eager and compiled, without and with TF32."""
        found = {}
        for name, call in [("eager", function)] + ([("compile", self.torch.compile(function))] if compiled else []):
            for tf32 in (False, True) if self.device == "cuda" else (False,):
                self.torch.backends.cuda.matmul.allow_tf32 = self.torch.backends.cudnn.allow_tf32 = tf32
                with self.torch.no_grad():
                    found[name + (" TF32" if tf32 else "")] = median_time(call, seconds, self.synchronize)
        self.torch.backends.cuda.matmul.allow_tf32 = self.torch.backends.cudnn.allow_tf32 = False
        return found


#===-- What is judged, and timed -----------------------------------------------------------------------------------===#


def wrong(actual, expected, entry):
    """What is wrong with an output, or ''."""
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        return f"{actual.dtype}{list(actual.shape)} in the place of {expected.dtype}{list(expected.shape)}"
    if np.allclose(actual, expected, entry["rtol"], entry["atol"], equal_nan=True):
        return ""
    difference = np.abs(actual.astype("f8") - expected.astype("f8"))
    return f"greatest difference {np.nanmax(difference):.3g}"


def judge(entry):
    """'' or why a case fails."""
    try:
        library = Library(entry["library"])
        data = np.load(os.path.join(HERE, "data", entry["library"] + ".npz"))
        results = library(*[data[f"input_{i}"] for i in range(len(library.inputs))])
        if not any(f"output_{i}" in data for i in range(len(results))):
            return "no output to compare with"
        return "; ".join(filter(None, (wrong(result, data[f"output_{i}"], entry)
                                       for i, result in enumerate(results) if f"output_{i}" in data)))
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        return str(error)


def time_entry(entry, peer, seconds):
    """(row, greatest relative difference from PyTorch, or None); inputs and outputs lie on the device where PyTorch does."""
    library = Library(entry["library"])
    inputs = library.random_inputs(np.random.default_rng(1))
    row, difference = {}, None
    results = (DLTensor * len(library.outputs))()
    if not peer:
        given = [np.ascontiguousarray(array) for array in inputs]
        row["Sinter"] = median_time(lambda: library(*given), seconds)
        return row, difference
    given = [peer.tensor(array) for array in inputs]
    tensors = (DLTensor * len(given))(*map(peer.describe, given))
    if "product" in entry:
        function = lambda: given[0] @ given[1]  # noqa: E731
    else:
        from torch_graph import Graph
        graph = Graph(os.path.join(HERE, "onnx", entry["library"] + ".onnx"), peer)
        function = lambda: graph(given[0])  # noqa: E731
    with peer.torch.no_grad():
        expected = function()
    actual = peer.torch.empty_like(expected)
    results[0] = peer.describe(actual)
    peer.synchronize()
    row["Sinter"] = median_time(lambda: library.call(tensors, results), seconds)
    difference = float((actual - expected).abs().max() / expected.abs().max())
    row.update(peer.times(function, seconds, compiled="network" in entry and peer.device == "cuda"))
    return row, difference


def table(title, rows, columns, cell):
    """A table of markdown: `rows` is [(name, {column: seconds})]."""
    lines = [f"## {title}", "", "| | " + " | ".join(columns) + " |", "|" + "---|" * (len(columns) + 1)]
    for name, row in rows:
        lines.append(f"| {name} | " + " | ".join(cell(name, row[column]) if column in row else "" for column in columns)
                     + " |")
    return lines + [""]


def main():
    parser = argparse.ArgumentParser(description="Judge and time a kit's libraries.")
    parser.add_argument("--report", default="gpu-results.md", help="the page that is written")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each time that is measured")
    parser.add_argument("--peer", choices=["auto", "cuda", "cpu", "none"], default="auto", help="PyTorch, and where")
    arguments = parser.parse_args()
    with open(os.path.join(HERE, "kit.json"), encoding="utf-8") as file:
        kit = json.load(file)
    entries = [entry for entry in kit["entries"] if "skipped" not in entry]
    if not entries:
        sys.exit("the kit is empty")
    try:
        device = Library(entries[0]["library"]).device
    except RuntimeError as error:
        sys.exit(f"{kit['target']}: {error}")
    print(f"{kit['target']} on {device}", flush=True)
    failures, judged = [], [entry for entry in entries if "case" in entry]
    for entry in judged:
        reason = judge(entry)
        if reason:
            failures.append((entry["case"], reason))
            print(f"FAIL {entry['case']}: {reason}", flush=True)
    print(f"conformance: {len(judged) - len(failures)} of {len(judged)}", flush=True)
    peer, products, networks = Peer(arguments.peer), [], []
    for entry in entries:
        if "case" in entry:
            continue
        name = str(entry["product"]) if "product" in entry else f"{entry['network']}, batch {entry['batch']}"
        try:
            row, difference = time_entry(entry, peer, arguments.seconds)
        except RuntimeError as error:
            failures.append((name, str(error)))
            print(f"FAIL {name}: {error}", flush=True)
            continue
        if difference is not None and not difference <= 1e-3:
            failures.append((name, f"differs from PyTorch by {difference:.2g}"))
        print(name, {column: f"{1e3 * seconds:.3f} ms" for column, seconds in row.items()},
              "" if difference is None else f"greatest relative difference {difference:.1e}", flush=True)
        (products if "product" in entry else networks).append((name, row))
    columns = ["Sinter", "eager", "eager TF32", "compile", "compile TF32"]
    lines = [f"# {device}", "", f"`--target={kit['target']}`; conformance: {len(judged) - len(failures)} of "
             f"{len(judged)} cases" + (f"; PyTorch {peer.torch.__version__} on {peer.device}" if peer else "") + ".", ""]
    lines += [f"* {name}: {reason}" for name, reason in failures] + ([""] if failures else [])
    lines += table("Products of float32, TFLOP/s (PyTorch's are the vendor's library's)", products, columns[:3],
                   lambda name, seconds: f"{2 * int(name)**3 / seconds / 1e12:.3g}")
    lines += table("Networks of float32, ms", networks, columns, lambda name, seconds: f"{1e3 * seconds:.3g}")
    with open(arguments.report, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
