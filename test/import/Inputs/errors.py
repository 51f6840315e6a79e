"""errors.py SINTER FOLDER: imports each case of errors.test and looks for the messages it expects.

A case file holds `expect:` lines, perhaps `opset:`, `count:` (of all errors) and `bare:` (no input and output put
around), and the fields of a GraphProto in protobuf's text form. Exit status 1 after the first case that goes wrong.
"""

import os
import subprocess
import sys

MODEL = """ir_version: 8
opset_import {{ version: {opset} }}
opset_import {{ domain: "com.microsoft" version: 1 }}
opset_import {{ domain: "ai.onnx.ml" version: 3 }}
graph {{
  {graph}
}}
"""
AROUND = """
  input { name: "a" type { tensor_type { elem_type: 1 shape { dim { dim_value: 2 } dim { dim_value: 3 } } } } }
  output { name: "y" type { tensor_type { elem_type: 1 } } }
"""


def main():
    sinter, folder = sys.argv[1:]
    failures, cases = 0, 0
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if "." in name or not os.path.isfile(path):
            continue
        cases += 1
        options, expected, graph = {"opset": "13"}, [], []
        for line in open(path, encoding="utf-8"):
            word, _, rest = line.partition(": ")
            if word == "expect":
                expected.append(rest.strip())
            elif word in ("opset", "count", "bare"):
                options[word] = rest.strip()
            else:
                graph.append(line)
        text = MODEL.format(opset=options["opset"], graph="".join(graph) + ("" if "bare" in options else AROUND))
        encoded = subprocess.run(["protoc", "--encode=onnx.ModelProto", "-I/usr/include/onnx", "onnx.proto"],
                                 input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
        with open(path + ".onnx", "wb") as file:
            file.write(encoded)
        run = subprocess.run([sinter, "compile", path + ".onnx", "--emit=nn"], stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True, check=False)
        errors = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
        problems = [f"expected: {e}" for e in expected if not any(e in line for line in errors)]
        if run.returncode != 1:
            problems.append(f"expected exit status 1, got {run.returncode}")
        if len(errors) != int(options.get("count", len(expected))):
            problems.append(f"expected {options.get('count', len(expected))} errors, got {len(errors)}")
        if problems:
            failures += 1
            print(f"{name}: " + "; ".join(problems) + "\n" + run.stderr)
    print(f"{cases - failures} of {cases} cases")
    sys.exit(1 if failures or not cases else 0)


main()
