#!/usr/bin/env python3
"""Compares two files of rows (JSON Lines, one object a row, as `batch.py` prints them) and prints the differences.

    compare.py [--common-columns] [--ignore COLUMN]... EXPECTED FOUND

The order of rows and of keys is nothing. A row is known by `table`, `root` and `window_start`. ClickHouse
writes wide integers as text, flags as 0 and 1, and maps as objects: outside the key, text that is a number
equals the number, true equals 1 and floats may differ in the last digit. Exit code 1 if anything differs.
"""

import argparse
import collections
import gc
import gzip
import json
import math
import re
import sys

KEY = ("table", "root", "window_start")
# Texts stay texts: an id or a tag may look like a number.
TEXTS = {"root", "brand", "campaign", "channel", "platform", "community", "experiment", "arm", "tags", "url", "table"}
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
SHOWN_MAX = 50


def plain(value):
    """A value without the accidents of how it was written."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return plain(json.loads(value))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def equal(one, other):
    """Whether two plain values say the same."""
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, (int, float)) and isinstance(other, (int, float))
        return numbers and math.isclose(one, other, rel_tol=1e-12)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    return one == other


def same(column, one, other):
    """Whether two values of a column say the same."""
    return one == other or (column not in TEXTS and equal(plain(one), plain(other)))


def read(path):
    """The rows of a file by key; a key that comes twice is kept with its number."""
    opener = gzip.open if path.endswith(".gz") else open
    found, repeats = {}, collections.Counter()
    with opener(path, "rt", encoding="utf-8") as file:
        for line in file:
            if line.strip():
                row = json.loads(line)
                key = tuple(str(row.get(name, "")) for name in KEY)
                repeats[key] += 1
                for name in KEY:
                    row.pop(name, None)
                found[*key, repeats[key]] = row
    return found


def differences(expected, found, options):
    """One line of text for each difference."""
    for key in sorted(expected.keys() | found.keys()):
        name = " ".join(str(part) for part in key[:3] if part) + (f" (copy {key[3]})" if key[3] > 1 else "")
        if key not in found:
            yield f"missing: {name}"
        elif key not in expected:
            yield f"too much: {name}"
        # Most rows are the same as they are written, and only the others are looked into.
        elif expected[key] != found[key]:
            yield from column_differences(name, expected[key], found[key], options)


def column_differences(name, expected, found, options):
    """One line of text for each column of a row that differs."""
    columns = expected.keys() & found.keys() if options.common_columns else expected.keys() | found.keys()
    for column in sorted(columns - set(options.ignore)):
        if column not in expected or column not in found:
            yield f"{name}: column {column} stands in one file only"
        elif not same(column, expected[column], found[column]):
            yield f"{name}: {column} is {str(found[column])[:300]}, expected {str(expected[column])[:300]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--common-columns", action="store_true", help="look only at columns that both rows have")
    parser.add_argument("--ignore", action="append", default=[], metavar="COLUMN", help="leave this column out")
    parser.add_argument("expected", metavar="EXPECTED")
    parser.add_argument("found", metavar="FOUND")
    options = parser.parse_args()
    # All that is read is kept to the end, so looking for what could be freed costs time and frees nothing.
    gc.disable()
    expected, found = read(options.expected), read(options.found)
    count = 0
    for line in differences(expected, found, options):
        count += 1
        if count <= SHOWN_MAX:
            print(line)
    if count > SHOWN_MAX:
        print(f"... and {count - SHOWN_MAX} more")
    print(f"{len(expected)} rows expected, {len(found)} found, {count} differences")
    sys.exit(1 if count or not expected else 0)


if __name__ == "__main__":
    main()
