"""Writes x.npy, and q.npy with x · x rounded to float32, whose rounding errors are not 0."""
import numpy

x = numpy.random.default_rng(1).uniform(1, 2, 1000).astype("float32")
q = x * x
assert numpy.any(x.astype("float64") ** 2 != q)
numpy.save("x.npy", x)
numpy.save("q.npy", q)
