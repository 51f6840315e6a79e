#!/usr/bin/env python3
"""Runs lit, the GoogleTest units, the ONNX conformance cases and, of those, samples for AArch64, RISC-V and OpenCL, and
adds them up.

The last line is `N passed, N failed, N skipped`, alone; the exit status is 1 when anything failed.
Skipped: lit's UNSUPPORTED and XFAIL, GoogleTest's skipped and disabled, conformance cases on the list of expected
failures (each has its reason there) and those whose data is not on this machine.
"""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys

TEST = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(TEST, "conformance"))
import machine  # noqa: E402
import run as conformance  # noqa: E402

UNIT_TIMEOUT = 600  # seconds for one program
SLOW_EMULATED = re.compile("^onnx-light/.*(?<!squeezenet)(?<!shufflenet)$")  # networks of more than a few seconds


class Count:
    """How many passed, failed and were skipped."""

    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed, self.failed = self.passed + other.passed, self.failed + other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def llvm_tools(build):
    """LLVM's own bin folder, where lit and FileCheck are, from the site configuration that CMake wrote."""
    site = os.path.join(build, "test", "lit.site.cfg.py")
    match = re.search(r'config\.llvm_tools = "(.*)"', open(site).read()) if os.path.exists(site) else None
    if not match:
        sys.exit(f"no {site}; configure the build folder first (./dev build)")
    return match.group(1)


def run_lit(build, jobs):
    """All .mlir and .test files under test/."""
    results = os.path.join(build, "test", "lit.json")
    if os.path.exists(results):
        os.unlink(results)
    lit = os.path.join(llvm_tools(build), "lit")
    subprocess.run([sys.executable, lit, "-sv", f"-j{jobs}", "-o", results, os.path.join(build, "test")], check=False)
    if not os.path.exists(results):
        print("lit gave no results")
        return Count(failed=1)
    count = Count()
    for test in json.load(open(results))["tests"]:
        if test["code"] in ("PASS", "FLAKYPASS"):
            count.passed += 1
        elif test["code"] in ("UNSUPPORTED", "SKIPPED", "EXCLUDED", "XFAIL"):
            count.skipped += 1
        else:
            count.failed += 1
    return count


def run_unit(program):
    """(count, text to show) of one GoogleTest program."""
    results = program + ".json"
    if os.path.exists(results):
        os.unlink(results)
    try:
        process = subprocess.run([program, f"--gtest_output=json:{results}", "--gtest_brief=1"], capture_output=True,
                                 text=True, errors="replace", timeout=UNIT_TIMEOUT, check=False)
        status, text = process.returncode, process.stdout + process.stderr
    except subprocess.TimeoutExpired:
        status, text = f"more than {UNIT_TIMEOUT} s", ""
    except OSError as error:
        status, text = error.strerror, ""
    name = os.path.basename(program)
    count = Count()
    if os.path.exists(results):
        for suite in json.load(open(results))["testsuites"]:
            for test in suite["testsuite"]:
                if test.get("failures"):
                    count.failed += 1
                elif test["status"] == "NOTRUN" or test["result"] == "SKIPPED":
                    count.skipped += 1
                else:
                    count.passed += 1
    if status != 0 and not count.failed:
        # It died before it could write its results.
        count.failed += 1
        text += f"\n{name}: ended with {status}"
    return count, f"{name}: {count}\n{text if count.failed else ''}".rstrip()


def run_units(build, jobs):
    """All programs that CMake lists in unit-tests.txt."""
    listing = os.path.join(build, "test", "unit-tests.txt")
    programs = open(listing).read().split("\n") if os.path.exists(listing) else []
    total = Count()
    with concurrent.futures.ThreadPoolExecutor(max_workers=jobs) as pool:
        for count, text in pool.map(run_unit, [program for program in programs if program]):
            print(text, flush=True)
            total.add(count)
    return total


def run_conformance(build, jobs):
    """ONNX's backend cases."""
    result = conformance.run(build, jobs, every_operator=False)
    return Count(result["passed"], result["failed"], result["skipped"])


def run_emulated(arch, target, sample, keep):
    """How to run a sample of them, compiled for another processor, under its emulator."""
    def run(build, jobs):
        if not machine.has_emulator(arch):
            print(f"no qemu-{arch} with a libc on this machine")
            return Count(skipped=1)
        result = conformance.run(build, jobs, every_operator=False, extra=["--target=" + target], keep=keep,
                                 sample=sample, report=f"conformance-{arch}.json")
        return Count(result["passed"], result["failed"], 0)
    return run


def run_device(build, jobs):
    """A sample of them, whose kernels run on an OpenCL device: PoCL makes one of the CPU."""
    if not machine.has_opencl():
        print("no OpenCL driver on this machine")
        return Count(skipped=1)
    target = "opencl"
    result = conformance.run(build, jobs, every_operator=False, extra=["--target=" + target],
                             keep=lambda case: not case.name.startswith("onnx-light/"), sample=2,
                             expected_lists=conformance.expected_files(target), report="conformance-opencl.json")
    return Count(result["passed"], result["failed"], 0)


KINDS = {"lit": run_lit, "unit": run_units, "conformance": run_conformance,
         "aarch64": run_emulated("aarch64", "aarch64-linux", 3, lambda case: not SLOW_EMULATED.match(case.name)),
         "riscv64": run_emulated("riscv64", "riscv64-linux", 1, lambda case: not case.name.startswith("onnx-")),
         "opencl": run_device}


def main():
    parser = argparse.ArgumentParser(description="Run Sinter's tests.")
    parser.add_argument("--build", default="build", help="build folder (default: build)")
    parser.add_argument("--only", default=",".join(KINDS), help="kinds to run, by comma: " + ", ".join(KINDS))
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    kinds = arguments.only.split(",")
    if not set(kinds) <= set(KINDS):
        parser.error(f"--only takes {', '.join(KINDS)}")
    build = os.path.abspath(arguments.build)

    counts = {}
    for kind in kinds:
        print(f"== {kind}", flush=True)
        try:
            counts[kind] = KINDS[kind](build, arguments.jobs)
        except SystemExit as exit_:  # what a kind refuses to run for is a failure of that kind, not of the rest
            print(exit_)
            counts[kind] = Count(failed=1)
    total = Count()
    print("==")
    for kind, count in counts.items():
        print(f"{kind}: {count}")
        total.add(count)
    print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
