#!/usr/bin/env python3
"""Derives the coefficients of erf in ExpandErf.cpp, and says how far they are from erf.

    erf(x) = x P(x^2) / Q(x^2) for |x| <= LIMIT, and +-1 beyond, where a float32 erf is 1.

P and Q minimise the largest relative error by Remez' exchange for quotients (Cody, Fraser and Hart, "Rational Chebyshev
Approximation Using Linear Equations", 1968), in decimals of 60 digits. Without arguments prints the coefficients; with the name of
ExpandErf.cpp compares them with those in the file, and evaluates the file's in float32.
"""

import re
import struct
import sys
from decimal import Decimal, getcontext

getcontext().prec = 60
DEGREES = (5, 5)  # of P and Q in x^2; Q begins with 1
LIMIT = "3.8325"  # 1 - erf is 2^-24 here
BOUND = 4e-7  # relative, evaluated in float32
TWO_OVER_ROOT_PI = Decimal("1.12837916709551257389615890312154517168810125865799771368817144")


def erf(x):
    """By its power series."""
    term, total, n = x, x, 0
    while abs(term) > Decimal(10) ** -50:
        n += 1
        term *= -x * x / n
        total += term / (2 * n + 1)
    return TWO_OVER_ROOT_PI * total


def solve(matrix):
    """Gaussian elimination; each row ends with its right side."""
    size = len(matrix)
    for i in range(size):
        pivot = max(range(i, size), key=lambda r: abs(matrix[r][i]))
        matrix[i], matrix[pivot] = matrix[pivot], matrix[i]
        for row in matrix[i + 1:]:
            factor = row[i] / matrix[i][i]
            for k in range(i, size + 1):
                row[k] -= factor * matrix[i][k]
    result = [Decimal(0)] * size
    for i in reversed(range(size)):
        known = sum(matrix[i][k] * result[k] for k in range(i + 1, size))
        result[i] = (matrix[i][size] - known) / matrix[i][i]
    return result


def polynomial(coefficients, t):
    value = Decimal(0)
    for each in reversed(coefficients):
        value = value * t + each
    return value


def fit():
    """The coefficients of P and of Q, and the relative error that they keep."""
    p_degree, q_degree = DEGREES
    count, limit = p_degree + q_degree + 2, Decimal(LIMIT)
    grid = [limit * i / 600 for i in range(1, 601)]
    values = {x: erf(x) for x in grid}
    # To begin with the extrema of a Chebyshev polynomial.
    points = [grid[min(599, round(600 * (1 - (1 - i / (count - 1)) ** 1.5)))] for i in range(count)]
    q = [Decimal(1)] + [Decimal(0)] * q_degree
    for _ in range(60):
        for _ in range(12):  # the error stands beside Q: solve with the last Q until it stays
            rows = []
            for i, x in enumerate(points):
                t, f, sign = x * x, values[x], (-1) ** i
                row = [x * t ** k for k in range(p_degree + 1)] + [-f * t ** k for k in range(1, q_degree + 1)]
                rows.append(row + [sign * f * polynomial(q, t), f])
            solution = solve(rows)
            p, q = solution[:p_degree + 1], [Decimal(1)] + solution[p_degree + 1:-1]
        errors = {x: x * polynomial(p, x * x) / polynomial(q, x * x) / values[x] - 1 for x in grid}
        # One extremum between two changes of sign.
        extrema = []
        for x in grid:
            if extrema and (errors[x] > 0) == (errors[extrema[-1]] > 0):
                if abs(errors[x]) > abs(errors[extrema[-1]]):
                    extrema[-1] = x
            else:
                extrema.append(x)
        while len(extrema) > count:
            extrema.pop(0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1)
        if len(extrema) < count:
            raise SystemExit(f"fit_erf: {len(extrema)} extrema of {count}")
        if extrema == points:
            return p, q, max(abs(error) for error in errors.values())
        points = extrema
    raise SystemExit("fit_erf: no end of exchanges")


def single(value):
    """Rounded to float32."""
    return struct.unpack("f", struct.pack("f", value))[0]


def evaluate(p, q, x):
    """As the kernels do it, in float32 with fused multiply-adds."""
    def horner(coefficients, t):
        value = coefficients[-1]
        for each in reversed(coefficients[:-1]):
            value = single(value * t + each)
        return value
    t = single(x * x)
    return min(single(single(x * horner(p, t)) / horner(q, t)), 1.0)


def main():
    p, q, error = fit()
    for name, coefficients in (("numerator", p), ("denominator", q)):
        print(name, ", ".join(f"{single(float(each)):.9g}f" for each in coefficients))
    print(f"relative error {float(error):.3g}")
    if len(sys.argv) < 2:
        return
    text = open(sys.argv[1], encoding="utf-8").read()
    found = {}
    for name, coefficients in (("numerator", p), ("denominator", q)):
        match = re.search(name + r"\[\] = \{([^}]*)\}", text)
        found[name] = [single(float(each.strip().rstrip("f"))) for each in match.group(1).split(",")]
        if found[name] != [single(float(each)) for each in coefficients]:
            raise SystemExit(f"fit_erf: {sys.argv[1]} has another {name}")
    worst = 0.0
    for i in range(1, 4000):
        x = single(float(LIMIT) * i / 3999)
        worst = max(worst, abs(evaluate(found["numerator"], found["denominator"], x) / float(erf(Decimal(x))) - 1))
    print(f"in float32 {worst:.3g}")
    if worst > BOUND:
        raise SystemExit(f"fit_erf: more than {BOUND}")


if __name__ == "__main__":
    main()
