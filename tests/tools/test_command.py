#!/usr/bin/env python3
"""The tenon command, end to end. Models pass their inputs through, so that an output shows what the
input readers made of a file; expected bytes follow from the file by the rules of tenon-run(1)."""
import base64
import json
import os
import resource
import struct
import subprocess
import unittest
import wave
import zlib

from command import SHAPES, CommandTest, tenon
from tiny_model import passing

SHAPES_MODEL = os.path.join(SHAPES, "shapes.tflite")
STAR = os.path.join(SHAPES, "pictures", "star.png")
# 8 x 8, grey 200, quality 100, by cjpeg's library: a flat block decodes exactly.
GREY_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQH/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACv/EABQQAQAA"
    "AAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8ASA//2Q==")
RGB = bytes([0, 10, 255, 20, 30, 40, 50, 60, 70, 128, 127, 126])  # 2 x 2


def png(width, height, channels, samples, truncate=0):
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))
    rows = b"".join(b"\0" + samples[y * width * channels:(y + 1) * width * channels]
                    for y in range(height))
    data = (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0,
                                       0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return data[:len(data) - truncate]


def bmp(width, height, rgb):
    rows = b""
    for y in reversed(range(height)):
        row = b"".join(bytes(reversed(rgb[3 * (y * width + x):][:3])) for x in range(width))
        rows += row + bytes(-len(row) % 4)
    return (b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54) +
            struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(rows), 0, 0, 0, 0) + rows)


def npy(descr, shape, data, order="False"):
    head = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(head)) + head + data


class Inputs(CommandTest):
    def passed(self, tensor, file_name, data, *options):
        """Bytes that input `tensor` got from a file."""
        model = self.write("m.tflite", passing([("x", *tensor)]))
        self.expect(0, "run", *options, "-i", self.write(file_name, data), "-o", self.path("out"),
                    model)
        return self.read("out/0.raw")

    def refused(self, tensor, file_name, data, *options, status=2):
        model = self.write("m.tflite", passing([("x", *tensor)]))
        _, err = self.expect(status, "run", *options, "-i", self.write(file_name, data), "-o",
                             self.path("out"), model)
        self.assertFalse(os.path.exists(self.path("out")))
        self.assertNotEqual(err, "")
        return err

    U8 = ("u8", [1, 2, 2, 3], 0.25, 7)
    I8 = ("i8", [1, 2, 2, 3], 0.5, 3)
    F32 = ("f32", [1, 2, 2, 3], None, None)

    def test_pictures_of_each_format_give_the_pixels(self):
        ppm = b"P6\n# a comment\n2 2\n255\n" + RGB
        plain = b"P3 2 2 255 " + b" ".join(str(v).encode() for v in RGB)
        for name, data in (("a.png", png(2, 2, 3, RGB)), ("a.bmp", bmp(2, 2, RGB)), ("a.ppm", ppm),
                           ("b.ppm", plain), ("no-extension", png(2, 2, 3, RGB))):
            with self.subTest(name):
                self.assertEqual(self.passed(self.U8, name, data), RGB)

    def test_jpeg(self):
        got = self.passed(("u8", [1, 8, 8, 1], 1.0, 0), "a.jpg", GREY_JPEG)
        self.assertEqual(got, bytes([200] * 64))
        # Grey becomes RGB by repeating, a flat picture stays flat when resized.
        got = self.passed(("u8", [1, 3, 5, 3], 1.0, 0), "a.jpg", GREY_JPEG)
        self.assertEqual(got, bytes([200] * 45))

    def test_i8_is_pixel_less_128(self):
        self.assertEqual(self.passed(self.I8, "a.png", png(2, 2, 3, RGB)),
                         bytes((v - 128) & 255 for v in RGB))

    def test_float_is_centred_or_as_told(self):
        got = struct.unpack("<12f", self.passed(self.F32, "a.png", png(2, 2, 3, RGB)))
        for value, pixel in zip(got, RGB):
            self.assertAlmostEqual(value, (pixel - 127.5) / 127.5, places=6)
        got = struct.unpack("<12f", self.passed(self.F32, "a.png", png(2, 2, 3, RGB),
                                                "--mean", "1,2,3", "--scale", "2"))
        self.assertEqual(got, tuple((v - (1 + i % 3)) / 2 for i, v in enumerate(RGB)))

    def test_mean_and_scale_are_quantized(self):
        # real = (pixel - 10) / 100; stored = round-half-even(real / 0.25) + 7
        got = self.passed(self.U8, "a.png", png(2, 2, 3, RGB), "--mean", "10", "--scale=100")
        self.assertEqual(got, bytes(round((v - 10) / 100 / 0.25) + 7 for v in RGB))

    def test_grey_from_rgb_is_luma(self):
        got = self.passed(("u8", [1, 2, 2, 1], 1.0, 0), "a.png", png(2, 2, 3, RGB))
        luma = [(299 * r + 587 * g + 114 * b + 500) // 1000
                for r, g, b in zip(RGB[0::3], RGB[1::3], RGB[2::3])]
        self.assertEqual(got, bytes(luma))

    def test_resize_and_crop(self):
        column = bytes([0, 100, 200, 40])  # 4 wide, 1 high
        tensor = ("u8", [1, 1, 2, 1], 1.0, 0)
        # Nearest takes the samples at 0 and 2.
        self.assertEqual(self.passed(tensor, "a.png", png(4, 1, 1, column), "--resize", "nearest"),
                         bytes([0, 200]))
        # Halving linearly weighs 3 3 1 (of 1/7, the border's neighbour being absent) around 1, and
        # mirrored 1 3 3: (3*0+3*100+200)/7 = 71.4, (100+3*200+3*40)/7 = 117.1.
        self.assertEqual(self.passed(tensor, "a.png", png(4, 1, 1, column)), bytes([71, 117]))
        # Growing: centres at -0.25, 0.25, 0.75, 1.25 of two samples.
        self.assertEqual(self.passed(("u8", [1, 1, 4, 1], 1.0, 0), "b.png",
                                     png(2, 1, 1, bytes([0, 100]))), bytes([0, 25, 75, 100]))
        # The proportion 2:1 of 4 x 1 is the middle 2 x 1.
        self.assertEqual(self.passed(tensor, "a.png", png(4, 1, 1, column), "--crop"),
                         bytes([100, 200]))

    def test_arrays(self):
        self.assertEqual(self.passed(self.U8, "a.npy", npy("|u1", "(1, 2, 2, 3)", RGB)), RGB)
        # Floats are quantized: 2.0 / 0.25 + 7 = 15.
        floats = struct.pack("<12f", *[2.0] * 12)
        self.assertEqual(self.passed(self.U8, "a.npy", npy("<f4", "(12,)", floats)), b"\x0f" * 12)
        halves = struct.pack("<12e", *[-0.5 * i for i in range(12)])
        got = self.passed(self.F32, "a.npy", npy("<f2", "(12,)", halves))
        self.assertEqual(struct.unpack("<12f", got), tuple(-0.5 * i for i in range(12)))

    def test_raw_bytes(self):
        self.assertEqual(self.passed(self.U8, "a.raw", RGB), RGB)
        # The name wins: these bytes begin like a BMP.
        self.assertEqual(self.passed(self.U8, "a.raw", b"BM" + RGB[2:]), b"BM" + RGB[2:])

    def test_sound(self):
        with wave.open(self.path("a.wav"), "wb") as f:
            f.setnchannels(2)
            f.setsampwidth(2)
            f.setframerate(16000)
            f.writeframes(struct.pack("<6h", 16384, 16384, -32768, 0, 0, 8192))
        data = self.read("a.wav")
        status, _, err = tenon("run", "-i", self.path("a.wav"),
                               self.write("m.tflite", passing([("x", "f32", [5], None, None)])))
        if status != 0 and "libsndfile" in err:
            self.skipTest("libsndfile is not installed for this machine")
        got = self.passed(("f32", [1, 5], None, None), "b.wav", data)
        self.assertEqual(struct.unpack("<5f", got), (0.5, -0.5, 0.125, 0, 0))
        got = self.passed(("i16", [2], None, None), "b.wav", data)
        self.assertEqual(struct.unpack("<2h", got), (16384, -16384))

    def test_names_numbers_and_order(self):
        tensors = [(name, "u8", [2], None, None) for name in ("a", "b", "c=d")]
        model = self.write("m.tflite", passing(tensors))
        files = [self.write(f"{i}.raw", bytes([i, i])) for i in range(3)]
        self.expect(0, "run", "-i", f"c=d={files[0]}", "-i", files[1], "-i", f"1={files[2]}",
                    "-o", self.path("out"), model)
        self.assertEqual([self.read(f"out/{i}.raw")[0] for i in range(3)], [1, 2, 0])
        self.expect(3, "run", "-i", f"nosuch={files[0]}", model)
        self.expect(3, "run", *(["-i", files[0]] * 4), model)
        self.expect(3, "run", "-i", f"a={files[0]}", "-i", f"a={files[0]}", model)

    def test_random_is_told_and_repeats(self):
        model = self.write("m.tflite", passing([("x", "u8", [64], None, None),
                                                ("y", "f32", [64], None, None)]))
        _, err = self.expect(0, "run", "-o", self.path("a"), model)
        self.assertIn("random", err)
        self.expect(0, "run", "-o", self.path("b"), model)
        self.expect(0, "run", "--seed", "1", "-o", self.path("c"), model)
        self.assertEqual(self.read("a/0.raw"), self.read("b/0.raw"))
        self.assertNotEqual(self.read("a/0.raw"), self.read("c/0.raw"))
        for value in struct.unpack("<64f", self.read("a/1.raw")):
            self.assertTrue(-1 <= value < 1)

    def test_wrong_files_are_refused(self):
        wide = (b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" +
                struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0) + bytes(4))
        huge_bmp = bytearray(bmp(2, 2, RGB))
        huge_bmp[18:26] = struct.pack("<ii", 2**31 - 1, -2**31)
        cases = {
            "truncated.png": png(2, 2, 3, RGB, truncate=20), "wide.png": wide,
            "truncated.jpg": GREY_JPEG[:-30], "head.jpg": GREY_JPEG[:20],
            "truncated.bmp": bmp(2, 2, RGB)[:-1], "huge.bmp": bytes(huge_bmp), "head.bmp": b"BM",
            "truncated.ppm": b"P6 2 2 255\n" + RGB[:-1], "huge.ppm": b"P6 999999 999999 255\n",
            "zero.ppm": b"P6 0 0 255\n", "deep.ppm": b"P6 2 2 65535\n" + RGB * 2,
            "letters.ppm": b"P3 2 2 255 1 2 x",
            "short.raw": RGB[:-1], "empty": b"", "short.npy": npy("|u1", "(12,)", RGB[:-1]),
            "count.npy": npy("|u1", "(6,)", RGB), "type.npy": npy("<i4", "(12,)", RGB * 4),
            "order.npy": npy("|u1", "(12,)", RGB, order="True"),
            "overflow.npy": npy("|u1", "(4294967296, 4294967296)", RGB),
            "negative.npy": npy("|u1", "(-12,)", RGB), "object.npy": npy("|O", "(12,)", RGB),
            "head.npy": b"\x93NUMPY\x01\0\xff\xff{", "bad.wav": b"RIFF\0\0\0\0WAVEfmt ",
        }
        for name, data in cases.items():
            with self.subTest(name):
                self.refused(self.U8, name, data)
        self.refused(("u8", [12], None, None), "a.png", png(2, 2, 3, RGB))
        self.refused(self.U8, "a.png", png(2, 2, 3, RGB), "--mean", "1,2", status=3)
        self.refused(self.U8, "a.png", png(2, 2, 3, RGB), "--scale", "0", status=3)

    def test_every_truncation_of_a_picture_is_refused(self):
        for name, data in (("a.png", png(2, 2, 3, RGB)), ("a.bmp", bmp(2, 2, RGB)),
                           ("a.jpg", GREY_JPEG)):
            model = self.write("m.tflite", passing([("x", "u8", [1, 2, 2, 3], 1.0, 0)]))
            for size in range(0, len(data) - 1, 7):
                path = self.write(name, data[:size])
                status, _, err = tenon("run", "-i", path, model)
                # Twelve bytes of anything are the tensor's own; a PNG without IEND is whole.
                self.assertTrue(status == 2 or (status == 0 and
                                                (size == 12 or size > len(data) - 14)),
                                f"{name} cut to {size}: {status} {err}")


class Outputs(CommandTest):
    def test_files_are_written_and_agree(self):
        self.expect(0, "run", "-i", STAR, "-o", self.path("out"), "--npy", "--json", "--labels",
                    os.path.join(SHAPES, "labels.txt"), SHAPES_MODEL)
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["0.npy", "0.raw", "result.json"])
        raw, array = self.read("out/0.raw"), self.read("out/0.npy")
        self.assertEqual(array[:6], b"\x93NUMPY")
        self.assertEqual(array[-16:], raw)
        self.assertEqual((len(array) - 16) % 64, 0)
        result = json.loads(self.read("out/result.json"))
        output = result["outputs"][0]
        best = max(range(16), key=lambda i: struct.unpack("<16b", raw)[i])
        self.assertEqual(output["top"][0]["index"], best)
        self.assertEqual(output["top"][0]["label"], "star")
        scale, zero = (output["quantization"][k][0] for k in ("scales", "zero_points"))
        self.assertAlmostEqual(output["top"][0]["score"],
                               scale * (struct.unpack("<16b", raw)[best] - zero), places=6)
        self.assertTrue(all(node["device"] == "cpu" for node in result["nodes"]))

    def test_nothing_is_left_when_writing_fails(self):
        def limit():  # no file may exceed 1 KiB: result.json does
            resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
            import signal
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        self.expect(4, "run", "-i", STAR, "-o", self.path("out"), "--json", SHAPES_MODEL,
                    preexec=limit)
        self.assertFalse(os.path.exists(self.path("out")))
        self.expect(4, "run", "-i", STAR, "-o", self.path("no/such/folder"), SHAPES_MODEL)

    def test_a_full_standard_output_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            run = subprocess.run([*os.environ.get("TENON_EMULATOR", "").split(),
                                  os.environ["TENON_COMMAND"], "devices"], stdout=full,
                                 stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(run.returncode, 4, run.stderr)

    def test_text(self):
        out, err = self.expect(0, "run", "--show", "--top", "3", "--profile", "--repeat", "3", "-i",
                               STAR, "--labels", os.path.join(SHAPES, "labels.txt"), SHAPES_MODEL)
        self.assertEqual(err, "")
        for part in ("star", "time: median", "cpu: 13 nodes", "conv_2d 5", "share"):
            self.assertIn(part, out)
        self.assertNotIn("\033", out)  # no colour into a pipe
        self.assertEqual(len(out.splitlines()[0]), 32)

    def test_labels_cannot_steer_a_terminal(self):
        labels = self.write("labels", b"\033[2J\n" * 16)
        out, _ = self.expect(0, "run", "-i", STAR, "--labels", labels, SHAPES_MODEL)
        self.assertNotIn("\033", out)

    def test_names_of_a_model_cannot_steer_a_terminal(self):
        model = self.write("m.tflite", passing([("\033[2Jx", "u8", [2], None, None)]))
        for words in (["run", model], ["info", model], ["diff", model],
                      ["run", "-i", "none=none", model]):
            _, out, err = tenon(*words)
            self.assertNotIn("\033", out + err)
            self.assertIn("?[2Jx", out + err)


class Programs(CommandTest):
    def test_a_saved_program_answers_the_same(self):
        program = self.path("shapes.tnn")
        out, _ = self.expect(0, "compile", "-o", program, SHAPES_MODEL)
        self.assertIn("cpu: 13 nodes", out)
        for model, folder in ((SHAPES_MODEL, "a"), (program, "b")):
            self.expect(0, "run", "-i", STAR, "-o", self.path(folder), model)
        self.assertEqual(self.read("a/0.raw"), self.read("b/0.raw"))
        out, _ = self.expect(0, "info", program)
        self.assertIn("fully_connected", out)
        json.loads(self.expect(0, "info", "--json", program)[0])
        self.expect(3, "run", "-d", "reference", program)
        self.expect(3, "info", "--ir", program)
        self.expect(3, "diff", program)
        data = self.read("shapes.tnn")
        for size in (8, 40, len(data) // 2, len(data) - 1):
            self.expect(2, "run", self.write("cut.tnn", data[:size]))

    def test_info(self):
        out, _ = self.expect(0, "info", SHAPES_MODEL)
        for part in ("i8[1,32,32,1]", "654.8 k MACs", "depthwise_conv_2d", "relu6"):
            self.assertIn(part, out)
        model = json.loads(self.expect(0, "info", "--json", SHAPES_MODEL)[0])
        self.assertEqual(len(model["nodes"]), 13)
        self.assertEqual(model["macs"], sum(node["macs"] for node in model["nodes"]))
        dot, _ = self.expect(0, "info", "--dot", SHAPES_MODEL)
        self.assertEqual(dot.count(" -> "), 14)  # a chain of 13 nodes with its two ends
        self.expect(3, "info", "--dot", "--json", SHAPES_MODEL)

    def test_the_text_form_is_a_model(self):
        text, _ = self.expect(0, "info", "--ir", SHAPES_MODEL)
        again = self.write("shapes.tir", text.encode())
        self.assertEqual(self.expect(0, "info", "--ir", again)[0], text)
        for model, folder in ((SHAPES_MODEL, "a"), (again, "b")):
            self.expect(0, "run", "-i", STAR, "-o", self.path(folder), model)
        self.assertEqual(self.read("a/0.raw"), self.read("b/0.raw"))

    def test_bench(self):
        result = json.loads(self.expect(0, "bench", "--json", "-n", "5", "--warm-up", "1", "-i",
                                        STAR, "--vs", "-d reference", SHAPES_MODEL)[0])
        self.assertEqual(result["runs"], 5)
        first, second = (c["wall_ns"] for c in result["configurations"])
        for wall in (first, second):
            self.assertTrue(0 < wall["min"] <= wall["p10"] <= wall["median"] <= wall["p90"]
                            <= wall["p99"])
        self.assertAlmostEqual(result["ratio_of_medians"], second["median"] / first["median"],
                               places=6)
        self.expect(3, "bench", "--vs", "--json", SHAPES_MODEL)
        self.expect(3, "bench", "--vs", "--nonsense", SHAPES_MODEL)

    def test_diff(self):
        out, _ = self.expect(0, "diff", "-i", STAR, SHAPES_MODEL)
        self.assertIn("equal: 14 tensors", out)
        self.expect(0, "run", "-i", STAR, "-o", self.path("golden"), SHAPES_MODEL)
        self.expect(0, "diff", "-i", STAR, "--golden", self.path("golden"), SHAPES_MODEL)
        changed = bytearray(self.read("golden/0.raw"))
        changed[3] = (changed[3] + 5) & 255
        golden = self.write("changed.raw", bytes(changed))
        out, _ = self.expect(1, "diff", "-i", STAR, "--golden", golden, SHAPES_MODEL)
        self.assertIn("1 of 16 elements differ, at most by 5 (element 3", out)
        self.assertIn("by     5 to 8", out)
        self.expect(2, "diff", "-i", STAR, "--golden", self.write("s.raw", b"1"), SHAPES_MODEL)
        self.expect(4, "diff", "-i", STAR, "--golden", self.path("none"), SHAPES_MODEL)
        self.expect(3, "diff", "--a", "cpu", "--golden", golden, SHAPES_MODEL)

    def test_diff_of_floats(self):
        model = self.write("m.tflite", passing([("x", "f32", [4], None, None)]))
        given = self.write("x.raw", struct.pack("<4f", 1, -2, 3, 4))
        golden = self.write("g.raw", struct.pack("<4f", 1, -2, 3, 4.004))
        self.expect(1, "diff", "-i", given, "--golden", golden, model)
        self.expect(1, "diff", "-i", given, "--tolerance", "0.0009", "--golden", golden, model)
        self.expect(0, "diff", "-i", given, "--tolerance", "0.0011", "--golden", golden, model)
        nan = self.write("n.raw", struct.pack("<4f", 1, -2, 3, float("nan")))
        self.expect(1, "diff", "-i", given, "--tolerance", "1", "--golden", nan, model)
        self.expect(0, "diff", "-i", nan, "--golden", nan, model)


class CommandLine(CommandTest):
    def test_exit_statuses(self):
        self.expect(3)
        self.expect(3, "nonsense")
        self.expect(3, "run")
        self.expect(3, "run", "--nonsense", SHAPES_MODEL)
        self.expect(3, "run", SHAPES_MODEL, SHAPES_MODEL)
        self.expect(3, "run", "--json=1", SHAPES_MODEL)
        self.expect(3, "run", SHAPES_MODEL, "--top")
        self.expect(3, "run", "--npy", SHAPES_MODEL)
        self.expect(3, "run", "-d", "cpu,,cpu", SHAPES_MODEL)
        for bad in ("", "0", "-1", "1x", " 1", "0x10", "1001", "99999999999999999999"):
            self.expect(3, "run", "--top", bad, SHAPES_MODEL)
        for bad in ("", ",", "1,", "nan", "inf", "1 2"):
            self.expect(3, "run", "--mean", bad, SHAPES_MODEL)
        self.expect(3, "run", "--resize", "near", SHAPES_MODEL)
        self.expect(3, "compile", SHAPES_MODEL)
        self.expect(4, "run", self.path("none"))
        self.expect(4, "run", "-d", "nosuch", SHAPES_MODEL)
        self.expect(4, "run", "-i", self.path("none"), SHAPES_MODEL)
        self.expect(4, "compile", "-o", self.path("no/such/x.tnn"), SHAPES_MODEL)
        self.expect(2, "run", self.write("empty", b""))

    def test_bad_models_are_diagnosed_with_their_place(self):
        with open(SHAPES_MODEL, "rb") as f:
            data = bytearray(f.read())
        _, err = self.expect(2, "run", self.write("cut.tflite", data[:len(data) // 2]))
        self.assertRegex(err, r"cut\.tflite: error TFL\d{3}: .*\n")
        data[4:8] = b"XXXX"
        _, err = self.expect(2, "info", self.write("no.tflite", data))
        self.assertRegex(err, r"no\.tflite: error TFL001: ")

    def test_options_take_values_in_every_form(self):
        for words in (["-i", STAR], ["-i" + STAR], ["--input", STAR], ["--input=" + STAR]):
            _, err = self.expect(0, "run", *words, "--", SHAPES_MODEL)
            self.assertEqual(err, "")
            self.expect(0, "run", SHAPES_MODEL, *words)

    def test_help_and_version(self):
        out, _ = self.expect(0, "--version")
        self.assertRegex(out, r"^tenon \d+\.\d+\.\d+\n$")
        out, _ = self.expect(0, "help")
        for name in ("run", "info", "compile", "bench", "diff", "dis", "calibrate", "devices"):
            self.assertIn(f"  {name} ", out)
            text, _ = self.expect(0, "help", name)
            self.assertEqual(self.expect(0, name, "--help")[0], text)
            self.assertIn("Examples:", text)
        names = [device["name"] for device in json.loads(self.expect(0, "devices", "--json")[0])]
        self.assertEqual(names, ["cpu", "reference", "null", "sim:nvdla"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
