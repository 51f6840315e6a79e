"""same.py A B: the .npy files of two folders agree, to rounding."""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import sys

import numpy as np

a, b = sys.argv[1:]
names = sorted(os.listdir(a))
assert names and names == sorted(os.listdir(b)), (names, os.listdir(b))
for name in names:
    np.testing.assert_allclose(np.load(os.path.join(a, name)), np.load(os.path.join(b, name)), rtol=1e-5, atol=1e-6,
                               err_msg=name)
