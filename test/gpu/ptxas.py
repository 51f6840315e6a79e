#!/usr/bin/env python3
"""Assembles the PTX of every kernel of models by ptxas, and reports what each takes of the GPU.

    test/gpu/ptxas.py --build build [--arch sm_80,sm_90] [--filter REGEX] [--shard I/N] [-j N] [--json FILE] [MODEL.onnx ...]

Without models: all cases of the conformance suite, whose names --filter chooses from, and --shard the I-th of N parts. One line
for each model with its kernels, the most registers and bytes of shared memory, and bytes that are spilled; the last line has the
sums. Equal kernels are assembled once. Exit status 1 where ptxas refuses a kernel, where a product or convolution spills or keeps
a tile in local memory, or where a kernel has no PTX because Halide refused it.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "conformance"))
import cases  # noqa: E402

ENTRY = re.compile(r"Compiling entry function '(\S+)'")
STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers")
LAUNCH = re.compile(r"\.entry (\w+)")
SHARED = re.compile(r"^// (\w+): (\d+) bytes of shared memory$", re.MULTILINE)  # Sinter's: the host gives it at the launch
# What must stay in registers: kernels named after one of these operators.
TILED = re.compile(r"conv|matmul|gemm")


def find_ptxas():
    """ptxas on the path or where CUDA's packages put it; None if there is none."""
    return shutil.which("ptxas") or next((p for p in ["/usr/local/cuda/bin/ptxas"] if os.access(p, os.X_OK)), None)


def split_kernels(text):
    """[(name, PTX or None, reason)] of what --emit=ptx prints."""
    kernels = []
    for part in re.split(r"^// kernel ", text, flags=re.MULTILINE)[1:]:
        first, _, ptx = part.partition("\n")
        name, _, reason = first.partition(" is ")
        # One module each, whose header may follow comments.
        kernels.append((name, None if reason else ptx, reason))
    return kernels


def assemble(ptxas, ptx, arch):
    """(ptxas' error or None, [entry, ...]) with a dictionary for each launch."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "kernel.ptx")
        with open(path, "w", encoding="utf-8") as file:
            file.write(ptx)
        run = subprocess.run([ptxas, "-v", "-arch=" + arch, path, "-o", os.path.join(folder, "kernel.cubin")],
                             capture_output=True, text=True, check=False)
    entries, shared = [], {name: int(size) for name, size in SHARED.findall(ptx)}
    for line in run.stderr.splitlines():
        if match := ENTRY.search(line):
            entries.append({"entry": match.group(1)})
        elif entries and (match := STACK.search(line)):
            entries[-1]["stack"] = int(match.group(1))
            entries[-1]["spilled"] = int(match.group(2)) + int(match.group(3))
        elif entries and (match := USED.search(line)):
            entries[-1]["registers"] = int(match.group(1))
            entries[-1]["shared"] = shared.get(entries[-1]["entry"], 0)
    return (run.stderr.strip() or f"status {run.returncode}") if run.returncode else None, entries


class Assembler:
    """Assembles each kernel once for an architecture, whatever its launches are called."""

    def __init__(self, ptxas):
        self.ptxas, self.known, self.lock = ptxas, {}, threading.Lock()

    def __call__(self, ptx, arch):
        plain = ptx
        for number, name in enumerate(LAUNCH.findall(ptx)):
            plain = re.sub(r"\b" + name + r"(?=\b|_param)", f"launch{number}", plain)
        key = (arch, hashlib.sha256(plain.encode()).digest())
        with self.lock:
            found = self.known.get(key)
        if not found:
            found = assemble(self.ptxas, ptx, arch)
            with self.lock:
                self.known[key] = found
        return found


def emit_ptx(build, model, arch):
    """(what --emit=ptx prints, None), or (None, Sinter's first line of error)."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.ptx")
        run = subprocess.run([os.path.join(build, "bin", "sinter"), "compile", model, "--target=" + arch,
                              "--emit=ptx", "-o", path], capture_output=True, text=True, check=False)
        if run.returncode:
            return None, run.stderr.strip().splitlines()[0] if run.stderr.strip() else f"status {run.returncode}"
        with open(path, encoding="utf-8") as file:
            return file.read(), None


def examine(arguments, assembler, model):
    """(kernels, faults) of a model for all architectures; no kernels where Sinter does not compile it."""
    kernels, faults = [], []
    for arch in arguments.arch.split(","):
        text, refusal = emit_ptx(arguments.build, model, arch)
        if text is None:
            return None, [refusal]
        for name, ptx, reason in split_kernels(text):
            if ptx is None:
                kernels.append({"kernel": name, "arch": arch, "host": reason, "launches": []})
                if "plain loops" in reason:
                    faults.append(f"{arch} {name}: {reason}")
                continue
            error, entries = assembler(ptx, arch)
            kernels.append({"kernel": name, "arch": arch, "launches": entries})
            if error:
                faults.append(f"{arch} {name}: {error.splitlines()[0]}")
            for entry in entries:
                if TILED.search(name) and (entry.get("spilled") or entry.get("stack")):
                    faults.append(f"{arch} {name}: {entry['spilled']} bytes spilled, {entry['stack']} of local memory")
    return kernels, faults


def most_of(kernels):
    """The largest number of everything that ptxas counts, over all launches."""
    most = collections.Counter()
    for kernel in kernels:
        for entry in kernel["launches"]:
            for key in ("registers", "shared", "spilled", "stack"):
                most[key] = max(most[key], entry.get(key, 0))
    return (f"registers {most['registers']}, shared {most['shared']} B, spilled {most['spilled']} B, "
            f"local {most['stack']} B")


def choose_models(arguments):
    """[(name, path)]: those given, or the cases of the suite."""
    if arguments.models:
        return [(model, model) for model in arguments.models]
    folders = list(cases.unpacked_archives(arguments.build).values())
    if testdata := cases.testdata_folder():
        folders.append(testdata)
    models = [(case.name, os.path.join(case.folder, "model.onnx")) for folder in folders
              for case in cases.find_cases(folder) if re.search(arguments.filter, case.name)]
    part, parts = (int(number) for number in arguments.shard.split("/"))
    return models[part - 1::parts]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(cases.TOP, "build"))
    parser.add_argument("--arch", default="sm_80,sm_90")
    parser.add_argument("--filter", default="")
    parser.add_argument("--shard", default="1/1")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--json")
    parser.add_argument("models", nargs="*")
    arguments = parser.parse_args()
    ptxas = find_ptxas()
    if not ptxas:
        print("ptxas: not here, nothing is assembled")
        return 0
    models, assembler = choose_models(arguments), Assembler(ptxas)
    report, bad, unsupported, every = {}, 0, 0, []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = pool.map(lambda model: examine(arguments, assembler, model[1]), models)
        for (name, _), (kernels, faults) in zip(models, results):
            if kernels is None:
                unsupported += 1
                report[name] = {"unsupported": faults[0]}
                continue
            every += kernels
            launches = sum(len(kernel["launches"]) for kernel in kernels)
            print(f"{'FAIL' if faults else 'PASS'} {name}: {len(kernels)} kernels, {launches} launches, {most_of(kernels)}",
                  flush=True)
            for fault in faults:
                print("     " + fault, flush=True)
            bad += bool(faults)
            report[name] = {"kernels": kernels, "faults": faults}
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
    print(f"{len(every)} kernels, {len(assembler.known)} of them different: {most_of(every)}")
    print(f"ptxas: {len(models) - bad - unsupported} of {len(models) - unsupported} for {arguments.arch}"
          + (f"; {unsupported} that Sinter does not compile" if unsupported else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
