"""near.py A B TOLERANCE: the .npy files of two folders differ by less than TOLERANCE times their largest value."""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import sys

import numpy as np

a, b, tolerance = sys.argv[1], sys.argv[2], float(sys.argv[3])
for name in sorted(os.listdir(a)):
    x, y = np.load(os.path.join(a, name)), np.load(os.path.join(b, name))
    worst = np.abs(x - y).max() / np.abs(x).max()
    assert worst <= tolerance, f"{name}: {worst}"
