#!/usr/bin/env python3
"""Who may include whom (docs/architecture.md). Reads the #include lines of every C file.

A folder includes only itself and lower levels; siblings never meet. Fails with every line that
breaks a rule, and when it finds nothing to check.
"""
import os
import re
import sys

LEVELS = {
    "src/util": 0,
    "src/op": 1,
    "src/image": 1.5,  # describes tensors with op/desc.h
    "src/ir": 2,
    "src/frontends": 3,
    "src/passes": 3,
    "src/backend": 3,
    "src/partition": 4,
    "src/backends": 4,
    "src/compiler": 5,
    "src/api": 6,
    "src/runtime": 3,
    "src/drivers": 4,
}
COMPILER = ("src/ir", "src/frontends", "src/passes", "src/backend", "src/backends",
            "src/partition", "src/compiler", "src/api")
RUNTIME = ("src/runtime", "src/drivers", "firmware")
# May include neither more nor less than the public headers and themselves.
PUBLIC_ONLY = ("tools", "examples", "integrations", "bench")


def folder_of(path):
    """The folder that the rules speak of: src/backends/cpu, src/util, tools, …"""
    parts = path.split("/")
    if parts[0] == "src":
        if parts[1] in ("backends", "drivers", "frontends") and len(parts) > 3:
            return "/".join(parts[:3])
        return "/".join(parts[:2])
    if parts[0] == "sim":
        return "/".join(parts[:2])
    return parts[0]


def level(folder):
    return LEVELS.get("/".join(folder.split("/")[:2]))


def allowed(source, target):
    """Why a file of folder `source` may not include one of folder `target`, or None."""
    if source == target:
        return None
    if source.startswith("sim/"):
        return None if target == "src/util" else "a model of silicon includes src/util only"
    if source in PUBLIC_ONLY:
        return "only public headers (<tenon/…>) here"
    if source in RUNTIME or source.startswith("src/drivers/"):
        if target.startswith(COMPILER) or target in COMPILER:
            return "the runtime half never includes the compiler half"
    if source.startswith(COMPILER) and (target in RUNTIME or target.startswith("src/drivers")):
        return "the compiler half never includes the runtime half"
    if target.startswith("sim/"):
        return None if source == "src/drivers/sim" else "a model is the virtual device's only"
    a, b = level(source), level(target)
    if a is None or b is None:
        return "unknown folder: give it a level in tests/house/check_includes.py"
    same_parent = source.split("/")[:2] == target.split("/")[:2]
    if same_parent and len(target.split("/")) == 2:
        return None  # src/backends/cpu includes what src/backends itself offers
    if b >= a:
        return f"level {a} may not include level {b}"
    return None


def c_files(root):
    for top in ("include", "src", "sim", "firmware", "tools", "examples", "integrations"):
        for directory, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".def", ".in")):
                    yield os.path.relpath(os.path.join(directory, name), root)


def resolve(root, path, name):
    for base in ("src", "", os.path.dirname(path)):
        candidate = os.path.normpath(os.path.join(base, name))
        if os.path.exists(os.path.join(root, candidate)):
            return candidate
    return None


def main(root):
    problems, checked = [], 0
    for path in c_files(root):
        source = folder_of(path)
        with open(os.path.join(root, path), encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
                if not match:
                    continue
                checked += 1
                if path.startswith("include/"):
                    problems.append(f"{path}:{number}: a public header includes <tenon/…> only")
                    continue
                target = resolve(root, path, match.group(1))
                if target is None:
                    problems.append(f"{path}:{number}: cannot find \"{match.group(1)}\"")
                    continue
                if source == "examples" and target.startswith(("src/frontends/tflite/writer", "examples")):
                    continue  # the training example writes its model with the tests' writer
                reason = allowed(source, folder_of(target))
                if reason:
                    problems.append(f"{path}:{number}: includes {target}: {reason}")
    for problem in problems:
        print(problem)
    print(f"{checked} includes checked, {len(problems)} against the rules")
    return 1 if problems or checked < 50 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
