#!/usr/bin/env python3
"""Sinter's inference against ONNX Runtime's, model by model, in the same run.

Both sides run in turn, a few rounds of each, so that what the machine does besides falls on both; a figure is the least
of all rounds (min) and the median of the rounds' medians. A ratio above 1 says that Sinter is faster. The last line is
the geometric mean. ONNX Runtime is the npm package onnxruntime-node, installed into BUILD/peers; ort_peer.cpp drives it
through its C API.
"""

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tarfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test", "conformance"))
sys.path.insert(0, os.path.join(TOP, "test", "bench"))
import kernels  # noqa: E402
import roofline  # noqa: E402
from models import find_models, find_zoo  # noqa: E402

RUNTIME = "onnxruntime-node@1.30.0"
HEADERS = "com.github.asus4.onnxruntime@0.4.9"  # the same library for another host, with the C headers in it
TIMEOUT = 600  # seconds for one measurement
ROUNDING = 1e-5  # what sums of random weights, of about 1, may differ by where they come to nearly nothing


def note(text):
    print(text, file=sys.stderr, flush=True)


def run(command, **options):
    """Standard output of a command; a RuntimeError with its first error when it fails."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False, **options)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"more than {TIMEOUT} s") from error
    if result.returncode:
        words = (result.stderr.strip() or result.stdout.strip() or "no message").splitlines()
        telling = next((line for line in words if "error" in line.lower()), words[-1])
        raise RuntimeError(f"exit status {result.returncode}: {telling}")
    return result.stdout


# --- The peer ----------------------------------------------------------------------------------------------------


def fetch_runtime(folder):
    """Installs ONNX Runtime; the path of its shared library. The binary is in the package: no script needs to run."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}[os.uname().machine]
    package = os.path.join(folder, "node_modules", "onnxruntime-node", "bin")
    if not os.path.isdir(package):
        note(f"installing {RUNTIME}")
        run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder, RUNTIME])
    for parent, _, names in os.walk(package):
        if parent.endswith(os.path.join("linux", machine)):
            for name in names:
                if name.startswith("libonnxruntime.so"):
                    return os.path.join(parent, name)
    raise RuntimeError(f"{RUNTIME} holds no library for linux {machine}")


def fetch_headers(folder):
    """Takes the C headers out of a package that carries them."""
    headers = os.path.join(folder, "include")
    if os.path.exists(os.path.join(headers, "onnxruntime_c_api.h")):
        return headers
    note(f"fetching headers from {HEADERS}")
    archive = os.path.join(folder, run(["npm", "pack", "--silent", HEADERS], cwd=folder).split()[-1])
    os.makedirs(headers, exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            name = os.path.basename(member.name)
            if member.isfile() and name.startswith("onnxruntime_") and name.endswith(".h"):
                with open(os.path.join(headers, name), "wb") as file:
                    file.write(tar.extractfile(member).read())
    os.unlink(archive)
    return headers


def build_peer(build):
    """(program, library) of ONNX Runtime's side."""
    folder = os.path.join(build, "peers")
    os.makedirs(folder, exist_ok=True)
    library, headers = fetch_runtime(folder), fetch_headers(folder)
    source, program = os.path.join(TOP, "test", "bench", "ort_peer.cpp"), os.path.join(folder, "ort_peer")
    if not os.path.exists(program) or os.path.getmtime(program) < os.path.getmtime(source):
        compiler = os.environ.get("CXX", "clang++-22")
        run([compiler, "-O2", "-std=c++17", "-I", headers, source, "-ldl", "-o", program])
    return program, library


# --- Measuring ---------------------------------------------------------------------------------------------------


class Side:
    """One of the two programs: how to time a model with it, and what it has measured so far."""

    def __init__(self, command):
        self.command, self.least, self.medians = command, math.inf, []

    def measure(self):
        output = run(self.command)
        result = json.loads(output[output.index("{"):])
        self.least = min(self.least, result["min_ms"])
        self.medians.append(result["median_ms"])

    @property
    def median(self):
        return statistics.median(self.medians)


def measure_model(model, library, sinter, peer, threads, rounds, seconds):
    """(ONNX Runtime's side, Sinter's side) after all rounds."""
    program, runtime = peer
    theirs = Side([program, runtime, model.path, model.inputs, str(threads), str(seconds)])
    inputs = [f"--input={os.path.join(model.inputs, name)}" for name in model.input_files()]
    ours = Side([sinter, "bench", library, "--threads", str(threads), "--seconds", str(seconds), "--json"] + inputs)
    for number in range(rounds):
        for side in (theirs, ours) if number % 2 == 0 else (ours, theirs):
            side.measure()
    return theirs, ours


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        match = re.search(r"^model name\s*: (.*)$", file.read(), re.M)
    return match.group(1) if match else os.uname().machine


def main():
    parser = argparse.ArgumentParser(description="Time Sinter against ONNX Runtime.")
    parser.add_argument("--build", default="build", help="build folder (default: build)")
    parser.add_argument("--sinter", help="the binary (default: BUILD/bin/sinter)")
    parser.add_argument("--models", default="", help="only models whose name matches this regular expression")
    parser.add_argument("--threads", default="1,2", help="numbers of threads, by comma (default: 1,2)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each side (default: 3)")
    parser.add_argument("--kernels", action="store_true",
                        help="single kernels against oneDNN and OpenBLAS instead; further arguments go to Google Benchmark")
    parser.add_argument("--roofline", action="store_true",
                        help="each kernel against this machine's limits instead, and what falls short of its goal")
    parser.add_argument("--zoo", action="store_true",
                        help="architectures of many kinds instead, whose results are compared with PyTorch's first")
    parser.add_argument("--seconds", type=float, default=1, help="of each measurement, 20 runs at least (default: 1)")
    arguments, further = parser.parse_known_args()
    if further and not arguments.kernels:
        parser.error(f"unrecognized arguments: {' '.join(further)}")
    build = os.path.abspath(arguments.build)
    sinter = arguments.sinter or os.path.join(build, "bin", "sinter")
    thread_counts = [int(text) for text in arguments.threads.split(",")]
    if arguments.kernels:
        return kernels.main(build, sinter, thread_counts[0], further)
    found = find_zoo(build) if arguments.zoo else find_models(build)
    models = [model for model in found if re.search(arguments.models, model.name)]
    if not models:
        parser.error(f"no model matches '{arguments.models}'")
    os.makedirs(os.path.join(build, "bench"), exist_ok=True)
    if arguments.roofline:
        return min(1, roofline.main(build, sinter, models, thread_counts[0], arguments.seconds, run))
    try:
        peer = build_peer(build)
    except RuntimeError as error:
        sys.exit(f"bench: ONNX Runtime cannot be set up: {error}")

    print(f"{processor()}, {len(os.sched_getaffinity(0))} cores; {RUNTIME.replace('@', ' ')}; "
          f"{arguments.rounds} rounds in turn; ms, then how many times faster Sinter is")
    print(f"{'model':20} {'T':>2} {'ORT min':>9} {'median':>9} {'Sinter min':>11} {'median':>9} "
          f"{'ratio min':>10} {'median':>7}", flush=True)
    rows, failed = [], 0
    for model in models:
        library = os.path.join(build, "bench", model.name + ".so")
        try:
            if model.problem:
                raise RuntimeError(model.problem)
            start = time.monotonic()
            run([sinter, "compile", model.path, "-o", library])
            compile_seconds = time.monotonic() - start
            note(f"compiled {model.name} in {compile_seconds:.1f} s")
            if model.judged:
                run([sinter, "check", f"--atol={ROUNDING}", library, model.inputs])
            for threads in thread_counts:
                theirs, ours = measure_model(model, library, sinter, peer, threads, arguments.rounds,
                                             arguments.seconds)
                row = {"model": model.name, "threads": threads, "peer_min_ms": theirs.least,
                       "peer_median_ms": theirs.median, "sinter_min_ms": ours.least, "sinter_median_ms": ours.median,
                       "ratio_min": theirs.least / ours.least, "ratio_median": theirs.median / ours.median,
                       "compile_s": compile_seconds, "library_bytes": os.path.getsize(library)}
                rows.append(row)
                print(f"{model.name:20} {threads:2} {theirs.least:9.3f} {theirs.median:9.3f} {ours.least:11.3f} "
                      f"{ours.median:9.3f} {row['ratio_min']:10.2f} {row['ratio_median']:7.2f}", flush=True)
        except (RuntimeError, ValueError, KeyError) as error:
            failed += 1
            print(f"{model.name:20} fails: {error}", flush=True)

    with open(os.path.join(build, "bench.json"), "w", encoding="utf-8") as file:
        json.dump({"processor": processor(), "peer": RUNTIME, "rows": rows}, file, indent=1)
    for threads in thread_counts:
        chosen = [row for row in rows if row["threads"] == threads]
        if chosen:
            print(f"geometric mean, {threads} thread{'s' * (threads > 1)}, {len(chosen)} of {len(models)} models: "
                  f"min {geometric_mean([row['ratio_min'] for row in chosen]):.3f}  "
                  f"median {geometric_mean([row['ratio_median'] for row in chosen]):.3f}")
    if rows:
        print(f"geometric mean of all: min {geometric_mean([row['ratio_min'] for row in rows]):.3f}  "
              f"median {geometric_mean([row['ratio_median'] for row in rows]):.3f}")
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
