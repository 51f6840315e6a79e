#!/usr/bin/env python3
"""Runs ONNX's backend test cases through `sinter check --batch` and judges them against the list of expected failures.

The binary does the work: it takes a file with one case folder a line and prints, for each, exactly one line

    PASS <folder>
    FAIL <folder>: <reason>
    UNSUPPORTED <folder>: <reason>

isolating each case in a child process of its own. This script finds the cases, adds up per operator, compares with
expected-failures.txt (which must be exact for the cases that ran) and writes build/conformance.json.
Its last line is `conformance: P of N`; it exits with 1 when the list is not exact.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

import cases

HERE = os.path.dirname(os.path.abspath(__file__))
EXPECTED = os.path.join(HERE, "expected-failures.txt")  # of every target
EXPECTED_OF_TARGET = os.path.join(HERE, "expected-failures-{}.txt")  # beside it, where there is one
POCL_STACK = 64 << 20
LINE = re.compile(r"^(PASS|FAIL|UNSUPPORTED) (.*)$")


class Result:
    """What became of one case: `status` PASS, FAIL or UNSUPPORTED, and a `reason` for the latter two."""

    def __init__(self, case, status, reason):
        self.case, self.status, self.reason = case, status, reason


def expected_files(target):
    """The lists that hold for a target."""
    own = EXPECTED_OF_TARGET.format(target)
    return [EXPECTED] + ([own] if target and os.path.exists(own) else [])


def read_expected(path, elsewhere=()):
    """{case name: reason}; a line is `name reason…`, and `#` opens a comment line. No name may also be `elsewhere`."""
    expected = {}
    for number, line in enumerate(open(path, encoding="utf-8") if os.path.exists(path) else [], 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, _, reason = line.partition(" ")
        if not reason.strip():
            sys.exit(f"{path}:{number}: '{name}' has no reason")
        if name in expected or name in elsewhere:
            sys.exit(f"{path}:{number}: '{name}' is listed twice")
        expected[name] = reason.strip()
    return expected


def parse_line(line, folders):
    """(status, folder, reason) of one line of the binary, or None for other text."""
    match = LINE.match(line.rstrip("\n"))
    if not match:
        return None
    rest = match.group(2).split("\t")[0]
    folder, _, reason = rest.partition(": ") if rest not in folders else (rest, "", "")
    return (match.group(1), folder, reason.strip()) if folder in folders else None


class Progress:
    """A line that counts on a terminal, or one line in a hundred cases elsewhere."""

    def __init__(self, total):
        self.total, self.done, self.failed, self.start = total, 0, 0, time.monotonic()
        self.terminal = sys.stderr.isatty()

    def step(self, passed):
        self.done += 1
        self.failed += not passed
        text = f"conformance: {self.done} of {self.total} run, {self.failed} did not pass, " \
               f"{time.monotonic() - self.start:.0f} s"
        if self.terminal:
            print("\r\033[K" + text, end="" if self.done < self.total else "\n", file=sys.stderr, flush=True)
        elif self.done % 100 == 0 or self.done == self.total:
            print(text, file=sys.stderr, flush=True)


def enlarge_stack():
    """PoCL keeps what all work items of a group hold at a barrier on its threads' stacks: over 8 MB for one convolution
    of ResNet-50."""
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK,
                       (POCL_STACK if hard == resource.RLIM_INFINITY else min(POCL_STACK, hard), hard))


def run_cases(sinter, found, jobs, timeout, extra, scratch):
    """Results of all cases, in the order of `found`. A batch that dies is started again with what is left."""
    by_folder = {case.folder: case for case in found}
    # Where PoCL keeps what it has compiled.
    # PoCL 3.1's vectorizer of work items gives wrong sums in some products (M-LSD's first convolution).
    environment = {"POCL_CACHE_DIR": os.path.join(scratch, "pocl"), "POCL_WORK_GROUP_METHOD": "loops", **os.environ}
    results, progress = {}, Progress(len(found))
    while len(results) < len(found):
        left = [case.folder for case in found if case.folder not in results]
        with tempfile.NamedTemporaryFile("w", suffix=".txt", dir=scratch, delete=False) as file:
            file.write("\n".join(left) + "\n")
        command = [sinter, "check", "--batch", file.name, "-j", str(jobs), "--timeout", str(timeout)] + extra
        # The standard error of a crashing case goes to a log, not between the progress lines.
        with open(os.path.join(scratch, "conformance.log"), "a", encoding="utf-8") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, errors="replace",
                                       cwd=scratch, env=environment,
                                       preexec_fn=enlarge_stack if "--target=opencl" in extra else None)
            for line in process.stdout:
                parsed = parse_line(line, by_folder)
                if parsed and parsed[1] not in results:
                    status, folder, reason = parsed
                    results[folder] = Result(by_folder[folder], status, reason)
                    progress.step(status == "PASS")
            status = process.wait()
        os.unlink(file.name)
        missing = [folder for folder in left if folder not in results]
        if len(missing) == len(left):
            for folder in missing:
                results[folder] = Result(by_folder[folder], "FAIL", f"no verdict: sinter check exited with {status}")
    return [results[case.folder] for case in found]


def operator_table(results, every):
    """Lines of pass/fail per operator; without `every`, only of operators that have a failure."""
    count = {}
    for result in results:
        entry = count.setdefault(result.case.operator, [0, 0])
        entry[result.status != "PASS"] += 1
    lines = [f"  {passed:4d} pass {failed:4d} fail  {operator}"
             for operator, (passed, failed) in sorted(count.items()) if every or failed]
    clean = sum(1 for passed, failed in count.values() if not failed)
    return lines + [f"  {clean} of {len(count)} operators pass every case"]


def write_expected(path, results, expected, elsewhere):
    """Rewrites the list from what was just run, but for what is on a list elsewhere; reasons that were there stay."""
    ran = {result.case.name for result in results}
    entries = {name: reason for name, reason in expected.items() if name not in ran}
    for result in results:
        if result.status != "PASS" and result.case.name not in elsewhere:
            entries[result.case.name] = expected.get(result.case.name) or result.reason or "no reason given"
    with open(path, "w", encoding="utf-8") as file:
        file.write("# Cases that do not pass, each with its reason. The test fails when a case on the list passes,\n"
                   "# and when a case off the list fails. `./dev conformance --write-expected` rewrites it.\n")
        for name, reason in sorted(entries.items()):
            file.write(f"{name} {reason}\n")


def default_suites(build):
    """(cases, number of cases whose data is not here)."""
    found, skipped = [], 0
    # Whole networks first: a long case at the end would leave the other cores idle.
    archives = cases.unpacked_archives(build)
    for name in sorted(cases.ARCHIVES, key=lambda name: "node" in name):
        if name in archives:
            found += cases.find_cases(archives[name])
        else:
            skipped += cases.ARCHIVES[name]
    testdata = cases.testdata_folder()
    if testdata:
        found += cases.find_cases(testdata)
    else:
        skipped += cases.TESTDATA_CASES
    return found, skipped


def run(build, jobs, suite=None, pattern=None, timeout=300, extra=(), every_operator=True, expected_lists=(EXPECTED,),
        sinter=None, rewrite=False, sample=None, keep=None,
        report="conformance.json"):
    """Runs and prints all; returns {"passed", "failed", "skipped", "line", "good"} for the test summary.
    `failed` counts what the list of expected failures did not say; an expected failure counts as skipped."""
    build = os.path.abspath(build)
    os.makedirs(build, exist_ok=True)
    found, skipped = (cases.find_cases(suite), 0) if suite else default_suites(build)
    whole = suite is None and pattern is None
    if pattern:
        found = [case for case in found if re.search(pattern, case.name) or re.search(pattern, case.operator)]
    elsewhere = {}
    for path in expected_lists[:-1]:
        elsewhere.update(read_expected(path, elsewhere))
    own = read_expected(expected_lists[-1], elsewhere)
    expected = {**elsewhere, **own}
    lists = " or ".join(os.path.relpath(path) for path in expected_lists)
    if keep:
        found, whole = [case for case in found if keep(case)], False
    if sample:
        found = cases.sample([case for case in found if case.name not in expected], sample)
        whole = False
    sinter = sinter or os.path.join(build, "bin", "sinter")
    if not os.access(sinter, os.X_OK):
        sys.exit(f"conformance: no binary {sinter}; build it with ./dev build")

    results = run_cases(sinter, found, jobs, timeout, list(extra), build) if found else []
    passed = sum(result.status == "PASS" for result in results)
    unexpected_failures = [r for r in results if r.status != "PASS" and r.case.name not in expected]
    unexpected_passes = [r for r in results if r.status == "PASS" and r.case.name in expected]
    # With all data here, an entry that names no case at all is a mistake in the list.
    names = {case.name for case in found}
    unknown = sorted(set(expected) - names) if whole and not skipped else []

    for line in operator_table(results, every_operator):
        print(line)
    for result in unexpected_failures:
        print(f"{result.status} {result.case.name} ({result.case.operator}): {result.reason}")
    for result in unexpected_passes:
        print(f"PASSES though expected to fail: {result.case.name}; take it off {lists}")
    for name in unknown:
        print(f"NO SUCH CASE: {name}; take it off {lists}")
    if skipped:
        print(f"{skipped} cases skipped: their data is not on this machine")

    with open(os.path.join(build, report), "w", encoding="utf-8") as file:
        json.dump({"passed": passed, "total": len(results), "skipped": skipped, "cases": [
            {"name": r.case.name, "operator": r.case.operator, "status": r.status, "reason": r.reason,
             "expected_to_fail": r.case.name in expected} for r in results]}, file, indent=1)
    if rewrite:
        write_expected(expected_lists[-1], results, own, elsewhere)
        print(f"wrote {os.path.relpath(expected_lists[-1])}")
    wrong = len(unexpected_failures) + len(unexpected_passes) + len(unknown)
    known = len(results) - passed - len(unexpected_failures)
    line = f"conformance: {passed} of {len(results)}"
    print(line, flush=True)
    return {"passed": passed - len(unexpected_passes), "failed": wrong, "skipped": skipped + known, "line": line,
            "good": wrong == 0}


def main():
    parser = argparse.ArgumentParser(description="Run ONNX's backend test cases.")
    parser.add_argument("--build", default="build", help="build folder (default: build)")
    parser.add_argument("--sinter", help="the binary (default: BUILD/bin/sinter)")
    parser.add_argument("--suite", help="a folder of test cases (default: Debian's libonnx-testdata and ../shared/data)")
    parser.add_argument("--filter", help="only cases whose name or operator matches this regular expression")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--timeout", type=int, default=300, help="seconds for one case (default: 300)")
    parser.add_argument("--codegen", help="passed on: `reference` is the second road to the same numbers")
    parser.add_argument("--numerics", help="passed on: `strict` is without Winograd and its like")
    parser.add_argument("--target", help="compile for this target; another processor's code runs under its emulator, "
                                         "a device's on the device")
    parser.add_argument("--sample", type=int, metavar="N", help="only N cases of each operator, always the same")
    parser.add_argument("--expected", help="list of expected failures (default: expected-failures.txt and the target's)")
    parser.add_argument("--write-expected", action="store_true", help="rewrite that list from this run")
    arguments = parser.parse_args()
    extra = [f"--{name}={value}" for name, value in (("codegen", arguments.codegen), ("numerics", arguments.numerics),
                                                ("target", arguments.target)) if value]
    if arguments.suite and not os.path.isdir(arguments.suite):
        sys.exit(f"conformance: no folder {arguments.suite}")
    summary = run(arguments.build, arguments.jobs, os.path.abspath(arguments.suite) if arguments.suite else None,
                  arguments.filter, arguments.timeout, extra, True,
                  [arguments.expected] if arguments.expected else expected_files(arguments.target), arguments.sinter,
                  arguments.write_expected, arguments.sample)
    return 0 if summary["good"] or arguments.write_expected else 1


if __name__ == "__main__":
    sys.exit(main())
