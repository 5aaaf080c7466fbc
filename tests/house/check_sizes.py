#!/usr/bin/env python3
"""The libraries stay small: stripped, the runtime under 400 kB, both together under 1.5 MB."""
import os
import subprocess
import sys
import tempfile

RUNTIME_MAX, BOTH_MAX = 400_000, 1_500_000


def stripped_size(strip, library):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "stripped")
        subprocess.run([strip, "-o", out, library], check=True)
        return os.path.getsize(out)


def main(strip, runtime, compiler):
    runtime_size, compiler_size = stripped_size(strip, runtime), stripped_size(strip, compiler)
    print(f"libtenon-runtime {runtime_size} bytes, at most {RUNTIME_MAX}; "
          f"with libtenon {runtime_size + compiler_size}, at most {BOTH_MAX}")
    return 0 if runtime_size < RUNTIME_MAX and runtime_size + compiler_size < BOTH_MAX else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
