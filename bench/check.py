#!/usr/bin/env python3
"""The measuring program on the example network, without peers: it answers as `tenon run` does, with
instruction sets hidden as well; a hidden instruction set is not used; the picture is well formed.

    check.py TENON-BENCH TENON MODEL
"""
import os
import random
import subprocess
import sys
import tempfile
import xml.dom.minidom

import picture

PROGRAM, TENON, MODEL = sys.argv[1:]
INPUT_BYTES = 32 * 32


def run(arguments, text="", cpu="native"):
    done = subprocess.run(arguments, input=text, capture_output=True, text=True,
                          env=dict(os.environ, TENON_BENCH_CPU=cpu, TENON_BENCH_LAYERS="1"))
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: {done.stderr}")
    return done.stdout


def can_hide():
    probe = subprocess.run([PROGRAM, "serve", "tenon", MODEL, MODEL, "", "1"], input="",
                           capture_output=True, text=True,
                           env=dict(os.environ, TENON_BENCH_CPU="avx2"))
    if "cannot hide" in probe.stderr:
        print("this machine cannot hide instruction sets: that part is left out")
        return False
    return True


def answers(folder, cpu):
    out = os.path.join(folder, f"{cpu}.raw")
    lines = run([PROGRAM, "serve", "tenon", MODEL, MODEL, "", "1"],
                f"input {folder}/in.raw\noutput {out}\nrun 1000\nlayers 3\nmemory\n", cpu)
    assert lines.startswith("ready\nok\nok\n"), lines
    wall, least, _ = (float(word) for word in lines.splitlines()[3].split())
    assert 0 < least <= wall, lines
    with open(out, "rb") as f:
        return f.read()


def check_answers(folder):
    with open(os.path.join(folder, "in.raw"), "wb") as f:
        f.write(random.Random(1).randbytes(INPUT_BYTES))
    run([TENON, "run", "-i", f"{folder}/in.raw", "-o", f"{folder}/expected", MODEL])
    with open(f"{folder}/expected/0.raw", "rb") as f:
        expected = f.read()
    assert answers(folder, "native") == expected
    if can_hide():
        assert answers(folder, "avx2") == expected
        assert "512" not in run([PROGRAM, "peak"], cpu="avx2")
    started = run([PROGRAM, "start", "3", PROGRAM, "once", "tenon", MODEL, MODEL, "", "1",
                   f"{folder}/in.raw"]).split()
    assert len(started) == 2 and all(float(word) > 0 for word in started), started


def check_picture():
    rows = [{"engine": engine, "model": "a<b", "threads": 1, "ratio_wall": ratio}
            for engine, ratio in (("tenon", 1), ("xnnpack", 0.5), ("other", 7))]
    svg = picture.ratios(rows, {"xnnpack": "XNNPACK", "other": "other"}, "machine & date")
    document = xml.dom.minidom.parseString(svg)
    assert len(document.getElementsByTagName("rect")) == 1 + 2 + 2, svg  # ground, legend, bars
    assert "0.50" in svg and "7.00" in svg


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_answers(folder)
    check_picture()


main()
