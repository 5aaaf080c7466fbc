#!/usr/bin/env python3
"""Every relative link of the documents leads to a file, and every document is linked from another."""
import os
import re
import sys

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")


def documents(root):
    for top in (".", "docs", "examples", "bench", "sim"):
        for directory, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = [] if top == "." else folders
            for name in sorted(names):
                if name.endswith(".md"):
                    yield os.path.normpath(os.path.join(directory, name))


def main(root):
    paths = sorted(set(documents(root)))
    problems, linked = [], set()
    for path in paths:
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for target in LINK.findall(text):
            if ":" in target:
                continue
            full = os.path.normpath(os.path.join(os.path.dirname(path), target))
            linked.add(full)
            if not os.path.exists(full):
                problems.append(f"{os.path.relpath(path, root)}: no {target}")
    for path in paths:
        if path not in linked and os.path.basename(path) != "README.md":
            problems.append(f"{os.path.relpath(path, root)}: no document links to it")
    for problem in problems:
        print(problem)
    print(f"{len(paths)} documents, {len(linked)} links, {len(problems)} problems")
    return 1 if problems or len(paths) < 5 else 0


if __name__ == "__main__":
    sys.exit(main(os.path.normpath(sys.argv[1])))
