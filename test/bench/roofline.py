"""`./dev bench --roofline`: each kernel of the models against the limit that holds it back, and what falls short of its goal.

A kernel is bound by memory where its bytes at triad take longer than its operations at the peak of fused multiply-adds, and by
arithmetic otherwise. The goals are 80 % of triad and 88 % of the peak. Triad is the limit of data in caches too, where more than
100 % is no error. Divisions and roots count as one operation each, comparisons as none: a kernel made of them is bound by neither,
and stands in the list with what it reaches.
"""

import json
import os

MEMORY_GOAL, ARITHMETIC_GOAL = 0.80, 0.88
LEAST_SHARE = 0.01  # of its model's time: what is less is no row


class Kernel:
    """A row of `sinter bench --profile`, in microseconds."""

    def __init__(self, model, row, limits, total):
        self.model, self.name, self.nodes, self.time = model, row["kernel"], row["nodes"], row["us"]
        self.arithmetic = row["operations"] / limits["gflops"] / 1e3
        self.memory = row["bytes"] / limits["triad_gbs"] / 1e3
        self.share = self.time / total

    @property
    def bound(self):
        return "memory" if self.memory > self.arithmetic else "arithmetic"

    @property
    def reached(self):
        """The part of its limit."""
        return max(self.memory, self.arithmetic) / self.time if self.time else 1.0

    @property
    def goal(self):
        return MEMORY_GOAL if self.bound == "memory" else ARITHMETIC_GOAL

    @property
    def excess(self):
        """The time beyond the goal."""
        return max(0.0, self.time - max(self.memory, self.arithmetic) / self.goal)


def profile(build, sinter, model, threads, seconds, run):
    """All the kernels of a model, measured."""
    library = os.path.join(build, "bench", model.name + ".profile.so")
    run([sinter, "compile", model.path, "--profile", "-o", library])
    inputs = [f"--input={os.path.join(model.inputs, name)}" for name in model.input_files()]
    output = run([sinter, "bench", library, "--profile", "--json", "--threads", str(threads), "--seconds", str(seconds)] + inputs)
    result = json.loads(output[output.index("{"):])
    total = sum(row["us"] for row in result["kernels"])
    return [Kernel(model.name, row, result["limits"], total) for row in result["kernels"] if row["us"] > 0]


def print_kernels(title, kernels):
    print(f"\n{title}")
    print(f"{'model':16} {'us':>9} {'share':>6} {'%peak':>6} {'%triad':>6} {'beyond':>8}  kernel: nodes")
    for kernel in sorted(kernels, key=lambda each: -each.excess):
        print(f"{kernel.model:16} {kernel.time:9.1f} {kernel.share:6.1%} {kernel.arithmetic / kernel.time:6.0%} "
              f"{kernel.memory / kernel.time:6.0%} {kernel.excess:8.1f}  {kernel.name}: {kernel.nodes[:48]}")


def main(build, sinter, models, threads, seconds, run):
    """Profiles the models and prints what falls short; the number of models that fail."""
    kernels, failed = [], 0
    for model in models:
        try:
            if model.problem:
                raise RuntimeError(model.problem)
            kernels += profile(build, sinter, model, threads, seconds, run)
        except (RuntimeError, ValueError, KeyError) as error:
            failed += 1
            print(f"{model.name:16} fails: {error}", flush=True)
    with open(os.path.join(build, "roofline.json"), "w", encoding="utf-8") as file:
        json.dump([{**vars(kernel), "bound": kernel.bound} for kernel in kernels], file, indent=1)
    for bound, goal in (("memory", MEMORY_GOAL), ("arithmetic", ARITHMETIC_GOAL)):
        rows = [kernel for kernel in kernels if kernel.bound == bound and kernel.share >= LEAST_SHARE]
        short = [kernel for kernel in rows if kernel.reached < goal]
        print_kernels(f"bound by {bound}, below {goal:.0%}, by the time beyond it ({len(short)} of {len(rows)} kernels that take "
                      f"{LEAST_SHARE:.0%} of their model or more)", short)
        if rows:
            limit = sum(max(kernel.memory, kernel.arithmetic) for kernel in rows)
            print(f"all {len(rows)}, weighted by time: {limit / sum(kernel.time for kernel in rows):.0%} of the limit")
    return failed
