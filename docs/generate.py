#!/usr/bin/env python3
"""Writes the reference of Sinter's dialects and passes, as Markdown, from the td files that define them.

usage: generate.py --output DIR
   DIR/dialects/NAME.md   one for each folder of dialects/: its ops, types, attributes, enums
   DIR/passes/FOLDER.md   one for each td file with passes: what each does, its options
   DIR/README.md          the index
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def mlir_tblgen():
    """mlir-tblgen of MLIR 22."""
    found = shutil.which("mlir-tblgen-22") or "/usr/lib/llvm-22/bin/mlir-tblgen"
    if not os.access(found, os.X_OK):
        sys.exit("docs: no mlir-tblgen-22; on Debian: apt-get install mlir-22-tools")
    return found


def generate(td, *flags):
    """Markdown that mlir-tblgen writes for one td file."""
    command = [mlir_tblgen(), *flags, "-I", TOP, "-I", "/usr/lib/llvm-22/include", td]
    result = subprocess.run(command, capture_output=True, text=True, cwd=TOP, check=False)
    if result.returncode:
        sys.exit(f"docs: {' '.join(command)}\n{result.stderr}")
    return result.stdout


def td_files(folder):
    """All td files under `folder`, relative to the top, with their text."""
    for parent, folders, names in os.walk(os.path.join(TOP, folder)):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".td"):
                path = os.path.join(parent, name)
                yield os.path.relpath(path, TOP), open(path, encoding="utf-8").read()


def dialect_roots():
    """{dialect name: td file that includes all others of it}."""
    texts = dict(td_files("dialects"))
    included = {path for text in texts.values() for path in re.findall(r'^include "([^"]+)"', text, re.M)}
    defines = re.compile(r"def \w+\s*:\s*Dialect\s*\{.*?let name = \"(\w+)\"", re.S)
    names = {os.path.dirname(path): match.group(1) for path, text in texts.items() for match in defines.finditer(text)}

    def reached(path):
        """td files of the repository that `path` includes, itself too."""
        seen, todo = set(), [path]
        while todo:
            path = todo.pop()
            if path in texts and path not in seen:
                seen.add(path)
                todo += re.findall(r'^include "([^"]+)"', texts[path], re.M)
        return seen

    roots = {}
    for folder, name in names.items():
        tops = [path for path in texts if os.path.dirname(path) == folder and path not in included]
        roots[name] = max(tops, key=lambda path: len(reached(path)))
    return roots


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    print(path, flush=True)


def main():
    parser = argparse.ArgumentParser(description="Write the reference of dialects and passes.")
    parser.add_argument("--output", required=True, help="folder to write into")
    output = parser.parse_args().output
    index = ["# Reference of Sinter's dialects and passes", "", "Written from the td files by `./dev docs`.", "",
             "## Dialects", ""]
    for name, td in sorted(dialect_roots().items()):
        write(os.path.join(output, "dialects", name + ".md"), generate(td, "-gen-dialect-doc", f"-dialect={name}"))
        index.append(f"* [`{name}`](dialects/{name}.md), from `{td}`")
    index += ["", "## Passes", ""]
    for td, text in td_files("passes"):
        if not re.search(r":\s*(Interface)?Pass<", text):
            continue
        stem = os.path.splitext(os.path.basename(td))[0]
        folder = os.path.relpath(os.path.dirname(td), "passes")
        write(os.path.join(output, "passes", folder, stem + ".md"), generate(td, "-gen-pass-doc"))
        index.append(f"* [{stem}](passes/{folder}/{stem}.md)")
    write(os.path.join(output, "README.md"), "\n".join(index) + "\n")


if __name__ == "__main__":
    main()
