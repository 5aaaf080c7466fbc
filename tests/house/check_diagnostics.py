#!/usr/bin/env python3
"""docs/diagnostics.md lists the rows of src/util/diagnostics.def: the same ids and summaries."""
import os
import re
import sys


def main(root):
    with open(os.path.join(root, "src", "util", "diagnostics.def"), encoding="utf-8") as f:
        rows = re.findall(r'TENON_DIAGNOSTIC_ROW\(\w+, "(\w+)", .*?, "(.*?)"\)', f.read())
    with open(os.path.join(root, "docs", "diagnostics.md"), encoding="utf-8") as f:
        listed = re.findall(r"^\| (T\w+\d+) \| [^|]+ \| ([^|]+) \| [^|]+ \|$", f.read(), re.M)
    for row in rows:
        if row not in listed:
            print(f"not in docs/diagnostics.md, or worded otherwise: {row[0]}: {row[1]}")
    for row in listed:
        if row not in rows:
            print(f"not in diagnostics.def: {row[0]}")
    ids = [row[0] for row in rows]
    unique = len(ids) == len(set(ids))
    print(f"{len(rows)} diagnostics, ids unique: {unique}")
    return 0 if rows == listed and rows and unique else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
