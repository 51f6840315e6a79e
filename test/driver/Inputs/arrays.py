"""Writes arrays for the model mlp, one good and the others not, to the working folder."""
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

x = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)
np.save("x.npy", x)
np.save("x5.npy", np.linspace(-2, 3, 20, dtype="float32").reshape(5, 4))
np.save("wide.npy", np.zeros((2, 5), "float32"))
np.save("flat.npy", np.zeros(8, "float32"))
np.save("double.npy", x.astype("float64"))
np.save("fortran.npy", np.asfortranarray(x))
np.save("big-endian.npy", x.astype(">f4"))
np.save("complex.npy", x.astype("complex64"))
whole = open("x.npy", "rb").read()
open("truncated.npy", "wb").write(whole[:-4])
open("header.npy", "wb").write(whole[:40])
open("garbage.pb", "wb").write(b"\xff" * 40)
