"""prefixes.py SINTER MODEL: every prefix of the model, in steps, is imported or rejected; nothing else happens."""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import subprocess
import sys

sinter, model = sys.argv[1:]
whole = open(model, "rb").read()
for size in range(1, len(whole), 23):
    with open("prefix.onnx", "wb") as file:
        file.write(whole[:size])
    run = subprocess.run([sinter, "compile", "prefix.onnx", "--emit=nn", "-o", "-"], capture_output=True, timeout=60,
                         check=False)
    if run.returncode not in (0, 1) or (run.returncode == 1 and not run.stderr.startswith(b"error: prefix.onnx: ")):
        sys.exit(f"{size} bytes: status {run.returncode}\n{run.stderr.decode()}")
