"""Compares the losses of two runs' logs, step by step.

usage: same_curve.py ONE.jsonl TWO.jsonl      says `N steps, the same` if each differs by less than 1e-4 of itself
"""
import json
import sys

curves = []
for path in sys.argv[1:3]:
    lines = [json.loads(line) for line in open(path)]
    curves.append([line["loss"] for line in lines if "seconds" not in line])
one, two = curves
assert len(one) == len(two), (len(one), len(two))
for step, (a, b) in enumerate(zip(one, two)):
    assert abs(a - b) < 1e-4 * max(a, 1e-2), (step, a, b)
print(f"{len(one)} steps, the same")
