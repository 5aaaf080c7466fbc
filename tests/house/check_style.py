#!/usr/bin/env python3
"""House style that a tool can see: clang-format, file length, a head on each file, line ends."""
import os
import subprocess
import sys

FOLDERS = ("include", "src", "sim", "firmware", "tools", "examples", "tests", "fuzz", "bench",
           "conformance", "integrations")
MAX_LINES = 800
MAX_COLUMNS = 100


def sources(root):
    for top in FOLDERS:
        for directory, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(directory, name), root)


def check_text(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        lines = f.read().split("\n")
    if len(lines) > MAX_LINES + 1:
        yield f"{path}: {len(lines) - 1} lines, more than {MAX_LINES}: split it"
    if not lines[0].startswith("/*"):
        yield f"{path}:1: the file does not open with a comment on its role"
    if lines[-1] != "":
        yield f"{path}: no newline at the end"
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS:
            yield f"{path}:{number}: {len(line)} columns, more than {MAX_COLUMNS}"


def check_format(root, paths, clang_format):
    for start in range(0, len(paths), 64):
        run = subprocess.run([clang_format, "--dry-run", "-Werror"] + paths[start:start + 64],
                             cwd=root, text=True, capture_output=True)
        if run.returncode != 0:
            for line in run.stderr.splitlines():
                if "error:" in line:
                    yield line


def main(root, clang_format):
    paths = list(sources(root))
    problems = [p for path in paths for p in check_text(root, path)]
    problems += check_format(root, paths, clang_format)
    for problem in problems:
        print(problem)
    print(f"{len(paths)} files, {len(problems)} problems")
    return 1 if problems or len(paths) < 20 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
