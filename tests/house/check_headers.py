#!/usr/bin/env python3
"""Every public header compiles alone, as C11 and as C++11, with no warning."""
import os
import subprocess
import sys


def main(root, c_compiler):
    folder = os.path.join(root, "include", "tenon")
    headers = sorted(n for n in os.listdir(folder) if n.endswith(".h"))
    languages = [("c", "c11"), ("c++", "c++11")]
    failed = 0
    for header in headers:
        for language, standard in languages:
            command = c_compiler.split() + [
                "-x", language, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                "-fsyntax-only", "-I", os.path.join(root, "include"), "-"]
            run = subprocess.run(command, input=f"#include <tenon/{header}>\n", text=True,
                                 capture_output=True)
            if run.returncode != 0:
                failed += 1
                print(f"tenon/{header} as {standard}:\n{run.stderr}")
    print(f"{len(headers)} headers, {len(languages)} languages, {failed} failures")
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
