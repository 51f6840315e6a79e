"""Writes dates as people write them, and as a program does; no date comes twice.

usage: dates.py FILE.tsv [PAIRS]      (default: 20000)
"""
import datetime
import sys

import numpy as np

MONTHS = ("January February March April May June July August September October November December").split()


def ordinal(day):
    return f"{day}{'th' if 10 < day < 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def written(date, random):
    month, year = MONTHS[date.month - 1], date.year
    return [
        f"the {ordinal(date.day)} of {month} {year}",
        f"{month} {date.day}, {year}",
        f"{date.day} {month[:3]} {year}",
        f"{month} the {ordinal(date.day)}, {year}",
        f"{date.day}.{date.month}.{year}",
    ][random.integers(5)]


path, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20000
random = np.random.default_rng(1)
first = datetime.date(1900, 1, 1).toordinal()
with open(path, "w") as file:
    # The longest form, for any number of pairs must have the model's length.
    file.write("the 22nd of September 2199\t2199-09-22\n")
    for day in random.permutation(200 * 365)[: count - 1]:
        date = datetime.date.fromordinal(first + int(day))
        file.write(f"{written(date, random)}\t{date}\n")
