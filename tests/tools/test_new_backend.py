#!/usr/bin/env python3
"""docs/adding-a-backend.md, rehearsed: its commands are run in a copy of the tree, which is then
built with the new backend and driver alone and runs a model; and its steps are those of the code."""
import os
import re
import shutil
import subprocess
import sys
import unittest

from command import SOURCE, CommandTest, tenon

PAGE = os.path.join(SOURCE, "docs", "adding-a-backend.md")
MODEL = b"""tenon 1
graph "maps" ""
%0 "x" = input i8 1x8x8x4 scale [0.05] zero [3] axis 0
%1 "a" i8 1x8x8x4 scale [0.05] zero [3] axis 0 = relu6 "a" double (%0) {}
%2 "b" i8 1x8x8x4 scale [0.00390625] zero [-128] axis 0 = logistic "b" none (%1) {}
inputs %0
outputs %2
"""


def page():
    with open(PAGE, encoding="utf-8") as f:
        return f.read()


class NewBackend(CommandTest):
    def shell(self, *words, shell=False):
        run = subprocess.run(words[0] if shell else list(words), shell=shell, cwd=self.path("tree"),
                             capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 0, f"{words}\n{run.stdout[-4000:]}{run.stderr[-4000:]}")
        return run.stdout

    def test_steps_are_those_of_the_code(self):
        steps = [int(n) for n in re.findall(r"^(\d+)\. \*\*", page(), re.M)]
        in_code = []
        for path in ("src/backends/null/backend.c", "src/drivers/null/driver.c"):
            with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
                in_code += [int(n) for n in re.findall(r"^/\* Step (\d+):", f.read(), re.M)]
        self.assertEqual(steps, list(range(1, len(steps) + 1)))
        self.assertEqual(in_code, steps)

    def test_the_page_makes_a_backend(self):
        if os.environ.get("TENON_EMULATOR") or not shutil.which("ninja"):
            self.skipTest("needs ninja and a native build")
        blocks = re.findall(r"^```sh\n(.*?)^```", page(), re.M | re.S)
        self.assertEqual(len(blocks), 1)
        shutil.copytree(SOURCE, self.path("tree"), symlinks=True, ignore=self.not_needed)
        self.shell(blocks[0], shell=True)
        # Without optimization and without the others: this is about the pieces being found.
        self.shell(*self.meson(), "setup", "b", "-Dbuildtype=plain", "-Dtests=false",
                   "-Ddefault_library=static", "-Dbackends=mirror",
                   "-Ddrivers=mirror")
        self.shell("ninja", "-C", "b", "tools/tenon")
        command, model = self.path("tree/b/tools/tenon"), self.write("maps.tir", MODEL)
        self.assertIn("mirror ", self.shell(command, "devices"))
        self.assertEqual(self.shell(command, "devices", "--targets"), "mirror\n")
        self.assertRegex(self.shell(command, "dis", "-d", "mirror", model),
                         r"# part 0 of mirror \(mirror-1\): 2 nodes.*\n +0 map 256 bytes")
        self.shell(command, "run", "-d", "mirror", "-o", self.path("a"), model)
        status, _, err = tenon("run", "-d", "reference", "-o", self.path("b"), model)
        self.assertEqual(status, 0, err)
        self.assertEqual(self.read("a/0.raw"), self.read("b/0.raw"))

    @staticmethod
    def not_needed(folder, names):
        if folder != SOURCE:
            return []
        return [name for name in names
                if name.startswith((".", "build")) or name in ("tests", "fuzz", "docs")]

    @staticmethod
    def meson():
        meson = shutil.which("meson")
        return [meson] if meson else [sys.executable, "-m", "mesonbuild.mesonmain"]


if __name__ == "__main__":
    unittest.main(verbosity=2)
