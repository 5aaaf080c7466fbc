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


if __name__ == "__main__":
    missing = [name for name in NEEDED if not os.path.exists(os.path.join(MODELS, name))]
    if missing:
        print(f"skipped: {len(missing)} of {len(NEEDED)} needed are not in TENON_SHARED/models: "
              + ", ".join(missing))
        sys.exit(77)
    unittest.main(verbosity=2)
