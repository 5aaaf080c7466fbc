#!/usr/bin/env python3
"""Whole networks before and after the lossless lowerings, on one random input each.

lower_models.py TENON RUN_PASSES: needs the shared folder of models (TENON_SHARED); skips (77)
without it. The target asked for is a poor one, so that much is rewritten.
"""
import os
import shlex
import subprocess
import sys
import tempfile

EMULATOR = shlex.split(os.environ.get("TENON_EMULATOR", ""))
MODELS = os.path.join(os.environ.get("TENON_SHARED", ""), "models")
NAMES = ("kws_int8", "resnet8_int8", "mobilenet_v1_025_128_uint8")
TARGET = "channel_atom=8 stride_max=1 kernel_max=3 dilation_max=1 lut_entries=256"
PASSES = ("fuse-pad", "fuse-activation", "mean-to-pool", "unpad-averages",
          "average-pool-to-depthwise", "fully-connected-to-conv", "transpose-conv-to-conv",
          "resize-nearest-to-blocks", "unsigned-to-signed", "split-wide-weights",
          "dilation-to-batch", "depthwise-to-conv", "split-large-kernels", "unstride-convolutions",
          "ungroup-convolutions", "few-channels", "broadcast-operands", "activations-to-table")


def main(tenon, run_passes):
    missing = [n for n in NAMES if not os.path.exists(os.path.join(MODELS, n + ".tflite"))]
    if missing:
        print(f"no {', '.join(missing)} in '{MODELS}'")
        return 77
    for name in NAMES:
        model = os.path.join(MODELS, name + ".tflite")
        text = subprocess.run([*EMULATOR, tenon, "info", "--ir", model], check=True,
                              capture_output=True).stdout
        with tempfile.NamedTemporaryFile(suffix=".tir") as file:
            file.write(text)
            file.flush()
            run = subprocess.run([*EMULATOR, run_passes, "lower", file.name, TARGET, *PASSES],
                                 text=True, capture_output=True)
        rewrites = sum(int(l.split()[1]) for l in run.stdout.splitlines() if " rewrites" in l)
        print(f"{name}: {rewrites} rewrites, {run.stdout.splitlines()[-1]}")
        if run.returncode != 0 or rewrites < 5:
            print(run.stdout)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
