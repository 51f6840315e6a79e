"""host_caches.py FILE: whether the cache sizes that `sinter targets host` printed into FILE are those that the kernel tells."""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import glob
import re
import sys

printed = [int(size) for size in re.findall(r"L\d (\d+) KiB", open(sys.argv[1]).read())]
told = {}
for folder in glob.glob("/sys/devices/system/cpu/cpu0/cache/index*"):
    level, kind, size = (open(f"{folder}/{name}").read().strip() for name in ("level", "type", "size"))
    if kind != "Instruction":
        told[int(level)] = int(size.removesuffix("K"))
assert len(printed) == 3, "three levels"
for level, size in told.items():
    assert level > 3 or printed[level - 1] == size, f"L{level}: printed {printed[level - 1]} KiB, the kernel says {size}"
