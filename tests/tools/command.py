"""Running the tenon command from a test."""
import os
import shlex
import subprocess
import tempfile
import unittest

SOURCE = os.environ["TENON_SOURCE"]
SHAPES = os.path.join(SOURCE, "examples", "shapes")


def tenon(*words, env=None, preexec=None):
    """Runs the command; returns status, stdout, stderr (text)."""
    line = shlex.split(os.environ.get("TENON_EMULATOR", ""))
    line += [os.environ["TENON_COMMAND"], *map(str, words)]
    plain = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
    for name in ("QEMU_LD_PREFIX", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
        if name in os.environ:
            plain[name] = os.environ[name]
    run = subprocess.run(line, capture_output=True, text=True, errors="replace", timeout=120,
                         env={**plain, **(env or {})}, preexec_fn=preexec)
    return run.returncode, run.stdout, run.stderr


class CommandTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tenon-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        path = self.path(name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def expect(self, status, *words, **options):
        got, out, err = tenon(*words, **options)
        self.assertEqual(got, status, f"tenon {words}\n{out}{err}")
        return out, err
