#!/usr/bin/env python3
"""Holds every #include to the table of which folder may include what.

usage: include_table.py TOP      prints `file:line: …` for each one that the table does not allow; exit status 1 then
"""

import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
SOURCES = (".c", ".h", ".cpp", ".hpp", ".cc")

# What an include names, by its path; the first match counts. What matches nothing is a neighbour in the same folder.
KINDS = [
    ("dialects/nn", r"dialects/nn/"),
    ("dialects", r"dialects/"),
    ("Target.h", r"targets/Target\.h$"),
    ("passes", r"passes/"),
    ("targets", r"targets/"),
    ("compiler", r"compiler/"),
    ("C interface", r"(runtime/include/)?sinter/"),
    # The header that the compiler writes of an example's model.
    ("C interface", r"spirals\.h$"),
    ("runtime as bitcode", r"runtime/Bitcode\.h$"),
    ("training runtime", r"runtime/training/"),
    ("runtime", r"runtime/"),
    # What the runtime asks of the processor, in its family's folder.
    ("runtime", r"processor\.h$"),
    ("test", r"test/"),
    ("MLIR", r"mlir(-c)?/"),
    # LLVM's containers and utilities come with MLIR; its IR and code generation do not.
    ("MLIR", r"llvm/(ADT|Support)/"),
    ("LLVM", r"llvm(-c)?/"),
    ("lld", r"lld/"),
    ("Halide", r"Halide"),
    ("protobuf", r"(onnx|google/protobuf)/|.*\.pb\.h$"),
    ("nlohmann", r"nlohmann/"),
    ("command line and configuration libraries", r"(CLI|yaml-cpp)/"),
    ("test libraries", r"(gtest|gmock|benchmark)/"),
    ("libpng", r"png\.h$"),
    ("zlib", r"zlib\.h$"),
    ("SQLite", r"sqlite3\.h$"),
    # Freestanding C++ headers: types and constants, nothing of libstdc++ to link.
    ("libc", r"(cfloat|climits|cmath|cstdarg|cstddef|cstdint|cstdlib|cstring|limits|new|type_traits|utility)$"),
    ("libstdc++", r"[a-z_]+$"),
    ("libc", r"(sys|linux|arpa|netinet)/"),
    ("libc", r"(assert|complex|ctype|dirent|dlfcn|errno|fcntl|float|immintrin|inttypes|limits|locale|malloc|math|poll|spawn|glob|elf|link|getopt|libgen|"
             r"pthread|sched|semaphore|setjmp|signal|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|"
             r"strings|time|unistd|x86intrin|arm_neon)\.h$"),
]

# Folder (or single file) → what it may include, besides its own folder. The longest that fits counts.
TABLE = {
    "dialects": {"dialects", "dialects/nn", "MLIR", "libc", "libstdc++"},
    "dialects/nn": {"dialects/nn", "MLIR", "libc", "libstdc++"},
    "passes": {"passes", "dialects", "dialects/nn", "Target.h", "MLIR", "libc", "libstdc++"},
    "targets": {"targets", "Target.h", "dialects", "dialects/nn", "C interface", "runtime as bitcode", "MLIR",
                "LLVM", "lld", "libc", "libstdc++"},
    "targets/halide": {"targets", "Target.h", "dialects", "dialects/nn", "C interface", "Halide", "MLIR", "LLVM",
                       "libc", "libstdc++"},
    "compiler": {"compiler", "passes", "targets", "Target.h", "dialects", "dialects/nn", "C interface",
                 "runtime as bitcode", "training runtime", "MLIR", "LLVM", "lld", "command line and configuration libraries", "nlohmann",
                 "libc", "libstdc++"},
    "compiler/import/onnx": {"compiler", "dialects", "dialects/nn", "MLIR", "protobuf", "libc", "libstdc++"},
    "compiler/export/onnx": {"compiler", "dialects", "dialects/nn", "MLIR", "protobuf", "libc", "libstdc++"},
    "runtime": {"runtime", "C interface", "libc"},
    # What carries the runtime's bitcode is part of the compiler.
    "runtime/Bitcode.h": {"libc", "libstdc++"},
    "runtime/Bitcode.cpp": {"runtime as bitcode", "libc", "libstdc++"},
    "runtime/training": {"training runtime", "C interface", "libpng", "zlib", "SQLite", "nlohmann", "libc", "libstdc++"},
    "examples": {"C interface", "libpng", "libc", "libstdc++"},
}


def kind_of(path):
    """The kind of what an include names, or None for a neighbour."""
    return next((kind for kind, pattern in KINDS if re.match(pattern, path)), None)


def folder_rule(path):
    """The longest folder of the table that holds `path`, or None."""
    fits = [folder for folder in TABLE if path == folder or path.startswith(folder + "/")]
    return max(fits, key=len) if fits else None


def check_file(top, path):
    """Messages about one file; `path` is relative to `top`."""
    rule = folder_rule(path)
    if rule is None:
        return []
    messages = []
    with open(os.path.join(top, path), encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            included = match.group(1)
            # A folder always sees itself, by its path from the top or as a neighbour.
            if os.path.dirname(included) == os.path.dirname(path):
                continue
            kind = kind_of(included)
            if kind is None:
                neighbour = os.path.normpath(os.path.join(top, os.path.dirname(path), included))
                in_rule = neighbour.startswith(os.path.join(top, rule) + os.sep)
                generated = included == "model.h" or included.endswith(".inc")
                if in_rule and os.path.exists(neighbour) or generated:
                    continue
                messages.append(f"{path}:{number}: '{included}' is not in the table of what {rule} may include")
            elif kind not in TABLE[rule]:
                messages.append(f"{path}:{number}: {rule} may not include '{included}' ({kind})")
    return messages


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        print(__doc__.strip().splitlines()[-1].split("      ")[0], file=sys.stderr)
        return 2
    top, files, messages = sys.argv[1], 0, []
    for folder in sorted({rule.split("/")[0] for rule in TABLE}):
        for parent, folders, names in os.walk(os.path.join(top, folder)):
            folders.sort()
            for name in sorted(names):
                if name.endswith(SOURCES):
                    files += 1
                    messages += check_file(top, os.path.relpath(os.path.join(parent, name), top))
    for message in messages:
        print(message)
    print(f"{files} files, {len(messages)} includes against the table")
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
