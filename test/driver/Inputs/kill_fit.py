"""Kills `sinter fit` at random moments, goes on each time, and compares the end with a run that was not killed.

usage: kill_fit.py LIBRARY.so DATA COUNT [OPTION…]    in an empty folder; says `the same after COUNT kills`
"""
import json
import os
import random
import shutil
import subprocess
import sys
import time

library, data, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
command = ["sinter", "fit", library, "--data", data, "--epochs", "3", "--batch", "8",
           "--checkpoint-steps", "1", "--threads", "1", "-q", "--log", "run.jsonl",
           *(sys.argv[4:] or ["--validation", "0.2"])]


def fit(folder, kill_after=None):
    """Whether the run ended by itself; it must not fail."""
    last = f"{folder}/last.safetensors"
    resume = ["--resume", last] if os.path.exists(last) else []
    process = subprocess.Popen(command + ["-o", folder] + resume, stderr=subprocess.PIPE)
    try:
        _, errors = process.communicate(timeout=kill_after)
        assert process.returncode == 0, f"{resume}: {errors.decode()}"
        return True
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return False


def state(folder):
    """All but the position, which has times in it."""
    bytes_ = open(f"{folder}/last.safetensors", "rb").read()
    length = int.from_bytes(bytes_[:8], "little")
    header = json.loads(bytes_[8 : 8 + length])
    position = json.loads(header.pop("__metadata__")["position"])
    for record in position["history"]:
        del record["seconds"]
    return header, position, bytes_[8 + length :]


start = time.time()
assert fit("whole")
seconds = time.time() - start
steps = [line for line in open("run.jsonl") if "seconds" not in line]
random.seed(3)
kills = 0
while kills < count:
    shutil.rmtree("killed", ignore_errors=True)
    # As long as it takes; a run that ended is one more comparison.
    while kills < count:
        if fit("killed", random.uniform(0.2, 1.1) * seconds):
            assert state("killed") == state("whole"), f"differs after {kills} kills"
            break
        kills += 1
        assert not os.path.exists("killed/last.safetensors") or state("killed")
while not fit("killed"):
    pass
assert state("killed") == state("whole"), f"differs after {kills} kills"
assert [line for line in open("run.jsonl") if "seconds" not in line] == steps, "the log differs"
print(f"the same after {kills} kills")
