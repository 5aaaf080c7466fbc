#!/usr/bin/env python3
"""Third-party models through the command: the photo of a cat is an Egyptian cat, goldens agree.

Needs the shared folder of models (TENON_SHARED); skips by name without it.
"""
import json
import os
import sys
import unittest

from command import CommandTest

MODELS = os.path.join(os.environ.get("TENON_SHARED", ""), "models")
NEEDED = ("mobilenet_v2_224_int8.tflite", "imagenet_labels.txt", "images", "golden")


class Models(CommandTest):
    def test_the_cat(self):
        for model in ("mobilenet_v2_224_int8", "mobilenet_v1_224_uint8", "mobilenet_v2_224_float"):
            for picture in ("cat_720p.jpg", "cat.bmp"):
                with self.subTest(model=model, picture=picture):
                    out, _ = self.expect(
                        0, "run", "--json", "--labels", os.path.join(MODELS, "imagenet_labels.txt"),
                        "-i", os.path.join(MODELS, "images", picture),
                        os.path.join(MODELS, model + ".tflite"))
                    best = json.loads(out)["outputs"][0]["top"][0]
                    self.assertEqual((best["index"], best["label"]), (286, "Egyptian cat"))

    def test_goldens(self):
        golden = os.path.join(MODELS, "golden", "kws_int8")
        names = sorted(n for n in os.listdir(golden) if n.startswith("in"))
        self.assertGreater(len(names), 0)
        for name in names:
            output = f"out{name[2:].split('.')[0]}.0.raw"
            self.expect(0, "diff", "-i", os.path.join(golden, name), "--golden",
                        os.path.join(golden, output), os.path.join(MODELS, "kws_int8.tflite"))


class Accelerated(CommandTest):
    """The virtual NVDLA with all that it takes, against the reference kernels."""
    SMALL = ("kws_int8", "resnet8_int8", "mobilenet_v1_025_128_uint8")

    def setUp(self):
        super().setUp()
        if "sim:nvdla" not in self.expect(0, "devices")[0]:
            self.skipTest("this build has no virtual NVDLA")

    def inputs(self, model):
        golden = os.path.join(MODELS, "golden", model)
        return [os.path.join(golden, n) for n in sorted(os.listdir(golden)) if n.startswith("in")]

    def test_whole_networks_by_a_rule_that_the_device_has(self):
        for model in self.SMALL:
            for given in self.inputs(model):
                with self.subTest(model=model, given=given):
                    out, _ = self.expect(
                        0, "diff", "--rounding", "single", "--placement", "order", "--b",
                        "sim:nvdla,cpu", "-i", given, os.path.join(MODELS, model + ".tflite"))
                    self.assertIn("equal:", out)

    def test_each_operator_by_the_models_own_rule(self):
        for model in self.SMALL:
            with self.subTest(model):
                result = json.loads(self.expect(
                    0, "diff", "--per-node", "--json", "--numerics", "within-1", "--b",
                    "sim:nvdla,cpu", "-i", self.inputs(model)[0],
                    os.path.join(MODELS, model + ".tflite"))[0])
                self.assertLessEqual(max(n["largest"] for n in result["nodes"]), 1)
                on_npu = sum(n["device"] != "cpu" for n in result["nodes"])
                self.assertGreater(on_npu / len(result["nodes"]), 0.9)


if __name__ == "__main__":
    missing = [name for name in NEEDED if not os.path.exists(os.path.join(MODELS, name))]
    if missing:
        print(f"skipped: {len(missing)} of {len(NEEDED)} needed are not in TENON_SHARED/models: "
              + ", ".join(missing))
        sys.exit(77)
    unittest.main(verbosity=2)
