#!/usr/bin/env python3
"""The man pages are clean, and they and --help name the same options."""
import os
import re
import subprocess
import unittest

from command import SOURCE, tenon

COMMANDS = ("run", "info", "compile", "bench", "diff", "dis", "calibrate", "devices")
MAN = os.path.join(SOURCE, "man")


def page_options(name):
    """The options that the items of a page begin with: .It Fl o , -output Ar dir"""
    found = set()
    with open(os.path.join(MAN, f"tenon-{name}.1"), encoding="utf-8") as f:
        for line in f:
            if line.startswith(".It Fl "):
                found |= {"--" + long for long in re.findall(r"(?:, |Fl )-([a-z-]+)", line)}
                found |= {"-" + short for short in re.findall(r"Fl ([a-z])\b", line)}
    return found


def help_options(name):
    _, out, _ = tenon("help", name)
    found = set()
    for short, long in re.findall(r"^  (?:(-[a-z]), |    )(--[a-z-]+)", out, re.M):
        found |= {long} | ({short} if short else set())
    return found


class Pages(unittest.TestCase):
    def test_options_agree(self):
        for name in COMMANDS:
            with self.subTest(name):
                self.assertGreater(len(help_options(name)), 2)
                self.assertEqual(page_options(name), help_options(name))

    def test_pages_are_clean(self):
        mandoc = os.environ["TENON_MANDOC"]
        if not mandoc:
            self.skipTest("mandoc is not installed")
        pages = [os.path.join(MAN, f"tenon-{name}.1") for name in COMMANDS]
        pages.append(os.path.join(MAN, "tenon.1"))
        run = subprocess.run([mandoc, "-Tlint", "-Wwarning", *pages], capture_output=True,
                             text=True, check=False)
        self.assertEqual((run.returncode, run.stdout), (0, ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
