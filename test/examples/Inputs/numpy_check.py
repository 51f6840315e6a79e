"""numpy_check.py EXAMPLE LIBRARY: the class Model gives arrays, and errors as exceptions."""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
from run import Model  # noqa: E402

model = Model(sys.argv[2])
for batch in 1, 7, 2:
    y, z = model(np.ones((batch, 4), "float32"))
    assert y.shape == z.shape == (batch, 6), (y.shape, z.shape)
    np.testing.assert_allclose(y.sum(1), np.ones(batch), rtol=1e-5)
for wrong in np.ones((2, 5), "float32"), np.ones((2, 4)), np.ones(4, "float32"):
    try:
        model(wrong)
    except ValueError as error:
        assert "input 'x'" in str(error), error
    else:
        sys.exit(f"{wrong.dtype}{wrong.shape} was taken")
