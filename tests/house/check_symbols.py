#!/usr/bin/env python3
"""The shared libraries export exactly what the public headers declare with TENON_API.

Each symbol is exported by one library only: the headers of the compiler half by libtenon, the
others by libtenon-runtime.
"""
import os
import re
import subprocess
import sys

COMPILER_HEADERS = {"compile.h", "diagnostics.h", "model.h", "report.h", "simple.h"}


def declared(root, wanted):
    names = set()
    folder = os.path.join(root, "include", "tenon")
    for header in sorted(os.listdir(folder)):
        if (header in COMPILER_HEADERS) != wanted:
            continue
        with open(os.path.join(folder, header), encoding="utf-8") as f:
            text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
        for match in re.finditer(r"TENON_API\b[^;(]*?\b(tenon_\w+)\s*\(", text):
            names.add(match.group(1))
    return names


def exported(nm, library):
    out = subprocess.run([nm, "-D", "--defined-only", library], text=True, check=True,
                         capture_output=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines() if line.strip()}


def main(root, nm, compiler_library, runtime_library):
    failed = 0
    for library, wanted in ((compiler_library, True), (runtime_library, False)):
        want, have = declared(root, wanted), exported(nm, library)
        for name in sorted(want - have):
            print(f"{os.path.basename(library)}: declared but not exported: {name}")
        for name in sorted(have - want):
            print(f"{os.path.basename(library)}: exported but in no public header: {name}")
        failed += len(want ^ have)
        print(f"{os.path.basename(library)}: {len(want)} symbols")
        if not want:
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
