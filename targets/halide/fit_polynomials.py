#!/usr/bin/env python3
"""Derives the coefficients of erf in ExpandErf.cpp and of exp in ExpandExp.cpp, and says how far they are from them.

    erf(x) = x P(x^2) / Q(x^2) for |x| <= 3.8325, and +-1 beyond, where a float32 erf is 1
    exp(x) = 2^n P(x - n ln 2) with n = x / ln 2, rounded

P and Q minimise the largest relative error by Remez' exchange for quotients (Cody, Fraser and Hart, "Rational Chebyshev
Approximation Using Linear Equations", 1968), in decimals of 60 digits. `fit_polynomials.py erf` prints the coefficients; with the name of
the source file behind it compares them with those in the file, and evaluates the file's in float32.
"""

import re
import struct
import sys
from dataclasses import dataclass
from decimal import Decimal, getcontext
from typing import Callable

getcontext().prec = 60
TWO_OVER_ROOT_PI = Decimal("1.12837916709551257389615890312154517168810125865799771368817144")
LN_2 = Decimal(2).ln()


def erf(x):
    """By its power series."""
    term, total, n = x, x, 0
    while abs(term) > Decimal(10) ** -50:
        n += 1
        term *= -x * x / n
        total += term / (2 * n + 1)
    return TWO_OVER_ROOT_PI * total


def single(value):
    """Rounded to float32."""
    return struct.unpack("f", struct.pack("f", value))[0]


def horner(coefficients, t):
    """In float32 with fused multiply-adds."""
    value = coefficients[-1]
    for each in reversed(coefficients[:-1]):
        value = single(value * t + each)
    return value


def evaluate_erf(p, q, x):
    """As the kernels do it."""
    t = single(x * x)
    return min(single(single(x * horner(p, t)) / horner(q, t)), 1.0)


def evaluate_exp(p, _, x):
    """As the kernels do it; results that float32 holds."""
    n = round(single(x * single(float(1 / LN_2)) + 1.5 * 2 ** 23) - 1.5 * 2 ** 23)
    high = 0.693359375  # nine bits, so that n times it is exact
    r = single(x - n * high)
    r = single(r - n * single(float(LN_2) - high))
    return single(horner(p, r) * 2.0 ** n)


@dataclass
class Function:
    """f(x) = factor(x) P(t(x)) / Q(t(x)), where Q begins with 1, and how its float32 form is judged."""
    f: Callable
    factor: Callable
    t: Callable
    degrees: tuple  # of P and Q
    interval: tuple
    evaluate: Callable
    range: tuple  # of the float32 form
    bound: float  # of its relative error


FUNCTIONS = {
    "erf": Function(erf, lambda x: x, lambda x: x * x, (5, 5), (Decimal(0), Decimal("3.8325")), evaluate_erf,
                    (0.001, 3.8325), 4e-7),
    "exp": Function(lambda x: x.exp(), lambda x: Decimal(1), lambda x: x, (6, 0), (-LN_2 / 2, LN_2 / 2), evaluate_exp,
                    (-86.9, 88.7), 1.2e-7),
}


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


def fit(function):
    """The coefficients of P and of Q, and the relative error that they keep."""
    p_degree, q_degree = function.degrees
    count, (low, high) = p_degree + q_degree + 2, function.interval
    grid = [low + (high - low) * i / 600 for i in range(601)]
    grid = [x for x in grid if function.factor(x)]  # where that is 0, so is the error
    values = {x: function.f(x) for x in grid}
    # To begin with, denser towards the upper end.
    last = len(grid) - 1
    points = [grid[round(last * (1 - (1 - i / (count - 1)) ** 1.5))] for i in range(count)]
    q = [Decimal(1)] + [Decimal(0)] * q_degree
    for _ in range(60):
        for _ in range(12 if q_degree else 1):  # the error stands beside Q: solve with the last Q until it stays
            rows = []
            for i, x in enumerate(points):
                t, f, sign = function.t(x), values[x], (-1) ** i
                row = [function.factor(x) * t ** k for k in range(p_degree + 1)]
                row += [-f * t ** k for k in range(1, q_degree + 1)]
                rows.append(row + [sign * f * polynomial(q, t), f])
            solution = solve(rows)
            p, q = solution[:p_degree + 1], [Decimal(1)] + solution[p_degree + 1:-1]
        errors = {}
        for x in grid:
            t = function.t(x)
            errors[x] = function.factor(x) * polynomial(p, t) / polynomial(q, t) / values[x] - 1
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
            raise SystemExit(f"fit_polynomials: {len(extrema)} extrema of {count}")
        if extrema == points:
            return p, q, max(abs(error) for error in errors.values())
        points = extrema
    raise SystemExit("fit_polynomials: no end of exchanges")


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in FUNCTIONS:
        raise SystemExit(f"usage: fit_polynomials.py {{{','.join(FUNCTIONS)}}} [FILE]")
    function = FUNCTIONS[sys.argv[1]]
    p, q, error = fit(function)
    fitted = {"numerator": p, "denominator": q} if function.degrees[1] else {"polynomial": p}
    for name, coefficients in fitted.items():
        print(name, ", ".join(f"{single(float(each)):.9g}f" for each in coefficients))
    print(f"relative error {float(error):.3g}")
    if len(sys.argv) < 3:
        return
    text = open(sys.argv[2], encoding="utf-8").read()
    found = []
    for name, coefficients in fitted.items():
        match = re.search(name + r"\[\] = \{([^}]*)\}", text)
        found.append([single(float(each.strip().rstrip("f"))) for each in match.group(1).split(",")])
        if found[-1] != [single(float(each)) for each in coefficients]:
            raise SystemExit(f"fit_polynomials: {sys.argv[2]} has another {name}")
    found += [[1.0]] * (2 - len(found))
    low, high = function.range
    worst = 0.0
    for i in range(4000):
        x = single(low + (high - low) * i / 3999)
        worst = max(worst, abs(function.evaluate(*found, x) / float(function.f(Decimal(x))) - 1))
    print(f"in float32 {worst:.3g}")
    if worst > function.bound:
        raise SystemExit(f"fit_polynomials: more than {function.bound}")


if __name__ == "__main__":
    main()
