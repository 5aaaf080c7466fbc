#!/usr/bin/env python3
"""tenon compile's options about passes, on a graph with two borders that fuse-pad takes away."""
import json
import os
import unittest

from command import SOURCE, CommandTest

GRAPH = b"""tenon 1
graph "g" ""
%0 "x" = input i8 1x3x3x1 scale [0.5] zero [-3] axis 0
%1 "w" = constant i8 1x2x2x1 scale [0.25] zero [0] axis 0 hex 01020304
%2 "p" i8 1x5x5x1 scale [0.5] zero [-3] axis 0 = pad "p" none (%0, _) {paddings=[0,0,1,1,1,1,0,0]}
%3 "y" i8 1x4x4x1 scale [0.5] zero [-3] axis 0 = conv_2d "y" double (%2, %1, _) {stride=[1,1]}
%4 "q" i8 1x6x6x1 scale [0.5] zero [-3] axis 0 = pad "q" none (%3, _) {paddings=[0,0,1,1,1,1,0,0]}
%5 "z" i8 1x5x5x1 scale [1] zero [0] axis 0 = conv_2d "z" double (%4, %1, _) {stride=[1,1]}
inputs %0
outputs %5
"""


class Passes(CommandTest):
    def borders(self, *options):
        """How many borders are left after fuse-pad, and what is said of its rewrites."""
        out, err = self.expect(0, "compile", "--print-ir=after:fuse-pad", *options,
                               self.write("g.tir", GRAPH))
        return out.count("= pad "), err

    def test_list(self):
        out, _ = self.expect(0, "compile", "--list-passes")
        names = [line.split()[0] for line in out.splitlines()]
        self.assertIn("fuse-pad", names)
        self.assertEqual(len(names), len(set(names)))
        goldens = os.listdir(os.path.join(SOURCE, "tests", "golden", "passes"))
        self.assertEqual(set(goldens), set(names))

    def test_print(self):
        self.assertEqual(self.borders(), (0, "after fuse-pad: 2 rewrites\n"))
        out, _ = self.expect(0, "compile", "--print-ir=after:all", self.write("g.tir", GRAPH))
        self.assertEqual(out.count("graph \"g\""), out.count("outputs %"))
        # What is printed is a model.
        out, _ = self.expect(0, "compile", "--print-ir", "after:fuse-pad",
                             self.write("g.tir", GRAPH))
        self.expect(0, "run", self.write("h.tir", out.encode()))

    def test_skip_and_stop(self):
        self.assertEqual(self.borders("--skip-pass=fuse-pad"), (2, "after fuse-pad: 0 rewrites\n"))
        self.assertEqual(self.borders("--skip-pass=all")[0], 2)
        self.assertEqual(self.borders("--stop-after-rewrite=1"),
                         (1, "after fuse-pad: 1 rewrites\n"))
        self.assertEqual(self.borders("--stop-after-rewrite=2")[0], 0)
        out, _ = self.expect(0, "compile", "--skip-pass=all", "-o", self.path("g.tnn"),
                             self.write("g.tir", GRAPH))
        self.assertIn("g.tnn", out)

    def test_losses_are_told(self):
        # 0.3 holds 0x7f * 0.3 = 38.1; 0x34 * 0.5 = 26 becomes 87 * 0.3 = 26.1: 0.2 steps of 0.5.
        scales = GRAPH.replace(b"i8 1x2x2x1 scale [0.25] zero [0] axis 0 hex 01020304",
                               b"i8 2x1x1x1 scale [0.3, 0.5] zero [0, 0] axis 0 hex 7f34")
        scales = scales.split(b"%4")[0].replace(b"1x4x4x1", b"1x5x5x2") + (
            b"inputs %0\noutputs %3\n")
        model = self.write("g.tir", scales)
        line = ("per-channel-to-per-tensor: y: weights of 2 channels on one scale: signal to error "
                "53.3 dB, at most 0.2 steps of a channel's own scale")
        words = ["compile", "--run-pass=per-channel-to-per-tensor", "-o", self.path("g.tnn"),
                 "--report", self.path("r.json"), "--report", self.path("r.txt"), model]
        _, err = self.expect(0, *words)
        self.assertNotIn("signal to error", err)
        self.assertEqual(json.loads(self.read("r.json"))["notes"], [])
        _, err = self.expect(0, *words, "--lossy-scales")
        self.assertIn(line + "\n", err)
        self.assertEqual(json.loads(self.read("r.json"))["notes"], [line])
        self.assertIn(line + "\n", self.read("r.txt").decode())
        self.expect(3, "compile", "--run-pass=nosuch", "-o", self.path("g.tnn"), model)

    def test_wrong_words(self):
        model = self.write("g.tir", GRAPH)
        for words in (["--print-ir=after:nosuch"], ["--skip-pass", "nosuch"]):
            _, err = self.expect(3, "compile", *words, model)
            self.assertIn("no pass 'nosuch'; there are: all, ", err)
            self.assertIn("fuse-pad", err)
        self.expect(3, "compile", "--print-ir=fuse-pad", model)
        self.expect(3, "compile", "--stop-after-rewrite=0", model)


if __name__ == "__main__":
    unittest.main(verbosity=2)
