"""profile.py THREE SIX: the costs that two runs of a profiled model, of batch 3 and 6, must have had."""

import json
import sys

results = [json.load(open(path)) for path in sys.argv[1:]]
three, six = (result["kernels"] for result in results)
for result in results:
    assert result["limits"]["gflops"] > 0 and result["limits"]["triad_gbs"] > 0, result["limits"]
assert len(three) == len(six) > 0, (three, six)
operations = [sum(kernel["operations"] for kernel in kernels) for kernels in (three, six)]
# A matmul of 4 by 6, the bias and relu; softmax has at least a maximum, a difference, an exponential, a sum, a quotient.
assert operations[0] >= 3 * 6 * (2 * 4 + 2 + 5), operations
assert operations[1] == 2 * operations[0], operations
for kernel in three + six:
    assert kernel["calls"] == 1 and kernel["us"] > 0 and kernel["bytes"] > 0, kernel
assert "dense" in " ".join(kernel["nodes"] for kernel in three)
