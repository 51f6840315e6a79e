"""quiet_stream.py LIBRARY SAMPLES.jsonl: Ctrl-C ends a run that waits for samples which don't come; it says how to go on."""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import signal
import subprocess
import sys
import time

run = subprocess.Popen([os.environ["SINTER"], "fit", sys.argv[1], "--data", "-", "--batch", "16", "--no-shuffle", "-o", "quiet",
                        "--log", "quiet.jsonl", "--checkpoint-steps", "1"],
                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
run.stdin.writelines(open(sys.argv[2]).readlines()[:40])  # two batches and a half
run.stdin.flush()
while not os.path.exists("quiet.jsonl") or open("quiet.jsonl").read().count("\n") < 2:
    time.sleep(0.05)
run.send_signal(signal.SIGINT)
start = time.monotonic()
run.wait(timeout=60)  # with its input open
assert time.monotonic() - start < 5, "it waited for the stream"
print(run.stdout.read().strip())
print("status", run.returncode)
