#!/usr/bin/env python3
"""Sharing a model between devices, seen from the command: placement, what falls back, listings,
operators compared one by one. The null device maps bytes through tables; the CPU has the rest."""
import json
import os
import unittest
import xml.etree.ElementTree

from command import SHAPES, CommandTest

SHAPES_MODEL = os.path.join(SHAPES, "shapes.tflite")

# relu6, then a sum, then logistic: two parts for null around one for the CPU.
SANDWICH = b"""tenon 1
graph "sandwich" ""
%0 "x" = input i8 1x64x64x16 scale [0.05] zero [3] axis 0
%1 "a" i8 1x64x64x16 scale [0.05] zero [3] axis 0 = relu6 "a" double (%0) {}
%2 "b" i8 1x64x64x16 scale [0.1] zero [-5] axis 0 = add "b" double (%1, %0) {activation=none}
%3 "c" i8 1x64x64x16 scale [0.00390625] zero [-128] axis 0 = logistic "c" none (%2) {}
inputs %0
outputs %3
"""


class Partition(CommandTest):
    def sandwich(self):
        return self.write("sandwich.tir", SANDWICH)

    def run_on(self, device, folder, *options):
        out, err = self.expect(0, "run", "-d", device, "-o", self.path(folder), *options,
                               self.sandwich())
        return out, err, self.read(folder + "/0.raw")

    def test_devices_share_a_model(self):
        out, err, shared = self.run_on("null,cpu", "shared", "--placement", "order")
        self.assertIn("null: 2 nodes", out)
        self.assertIn("cpu: 1 node", out)
        self.assertIn("null: add is no map of single elements", err)
        _, _, alone = self.run_on("reference", "alone")
        self.assertEqual(shared, alone)
        # By cost, the copies are worth it or not; the answer is the same.
        _, _, by_cost = self.run_on("null,cpu", "cost")
        self.assertEqual(by_cost, alone)

    def test_no_fallback_lists_every_node(self):
        _, err = self.expect(1, "run", "-d", "null,cpu", "--no-fallback", self.sandwich())
        self.assertIn("1 of 3 nodes would fall back to the CPU", err)
        self.assertIn("add 'b'; null: add is no map of single elements", err)
        self.assertNotIn("relu", err)
        program = self.path("x.tnn")
        self.expect(1, "compile", "-d", "null,cpu", "--no-fallback", "-o", program, SHAPES_MODEL)
        self.assertFalse(os.path.exists(program))

    def test_targets_and_devices(self):
        out, _ = self.expect(0, "devices", "--targets")
        self.assertEqual(out.split()[:2], ["cpu", "reference"])
        self.assertEqual(json.loads(self.expect(0, "devices", "--targets", "--json")[0]),
                         out.split())
        self.expect(0, "compile", "--target", "null,cpu", "-o", self.path("x.tnn"), self.sandwich())
        _, err = self.expect(4, "compile", "--target", "nosuch", "-o", self.path("y.tnn"),
                             self.sandwich())
        self.assertIn("no device and no target 'nosuch'", err)
        self.expect(3, "compile", "--numerics", "within-2", "-o", self.path("y.tnn"),
                    self.sandwich())
        self.expect(3, "run", "--numerics", "within-1", self.path("x.tnn"))
        self.assertEqual(os.listdir(self.folder).count("y.tnn"), 0)

    def test_disassembly(self):
        program = self.path("x.tnn")
        self.expect(0, "compile", "-d", "null,cpu", "--placement", "order", "-o", program,
                    self.sandwich())
        out, _ = self.expect(0, "dis", program)
        self.assertEqual([line.split(" (")[0] for line in out.splitlines() if line[:1] == "#"],
                         ["# part 0 of null", "# part 1 of cpu", "# part 2 of null"])
        self.assertIn("map 65536 bytes read+0 -> write+0", out)
        self.assertIn(" add binary_8", out)
        again, _ = self.expect(0, "dis", "-d", "null,cpu", "--placement", "order", self.sandwich())
        self.assertEqual(again, out)
        data = self.read("x.tnn")
        self.expect(2, "dis", self.write("cut.tnn", data[:len(data) // 2]))
        self.expect(3, "dis")

    def test_a_trace_needs_a_target_that_has_one(self):
        _, err = self.expect(2, "compile", "-d", "cpu", "--emit", "trace", "-o", self.path("t.txt"),
                             self.sandwich())
        self.assertIn("form for replay", err)
        self.assertEqual(os.listdir(self.folder), ["sandwich.tir"])

    def test_a_trace_is_the_program(self):
        if "nvdla:nv_small" not in self.expect(0, "devices", "--targets")[0].split():
            self.skipTest("this build does not compile for NVDLA")
        trace = self.path("trace.txt")
        for path in (trace, "-"):
            out, _ = self.expect(0, "compile", "--target", "nvdla:nv_small,cpu", "--numerics",
                                 "within-1", "--placement", "order", "--emit", "trace", "-o", path,
                                 SHAPES_MODEL)
        text = self.read("trace.txt").decode()
        self.assertEqual(out, text)
        heads = [line for line in text.splitlines() if line.startswith("# part")]
        self.assertTrue(heads[0].startswith("# part 0 of nvdla:nv_small"))
        self.assertTrue(heads[-1].endswith("no form for replay"))  # softmax, on the CPU
        for word in ("region scratch", "load data+0x0", "write 0x0", "wait "):
            self.assertIn("\n" + word, text)
        # The listing is for people: the same commands without the bytes.
        out, _ = self.expect(0, "dis", "-d", "nvdla:nv_small,cpu", "--numerics", "within-1",
                             "--placement", "order", SHAPES_MODEL)
        self.assertNotIn("load data", out)
        self.assertEqual(out.count("\nwrite "), text.count("\nwrite "))

    def test_nodes_one_by_one(self):
        out, _ = self.expect(0, "diff", "--per-node", "--b", "null,cpu", self.sandwich())
        self.assertRegex(out, r"1  add +cpu +65536 +0 ")
        self.assertRegex(out, r"2  logistic +null +65536 +0 ")
        self.assertIn("fine: given the same inputs, 0 of 196608 elements differ", out)
        # The rules differ by 1 at some ties; one by one they never differ by more.
        model = SHAPES_MODEL
        both = json.loads(self.expect(0, "diff", "--per-node", "--json", "--rounding", "single",
                                      model)[0])
        self.assertEqual(len(both["nodes"]), 13)
        self.assertEqual(sum(row["nodes"] for row in both["operators"]), 13)
        self.assertTrue(all(row["largest"] == 0 for row in both["nodes"]))
        self.expect(3, "diff", "--json", model)
        self.expect(3, "diff", "--per-node", "--golden", "x.raw", model)

    def test_reports(self):
        svg, text, data = (self.path("plan" + end) for end in (".svg", ".txt", ".json"))
        self.expect(0, "compile", "-d", "null,cpu", "--placement", "order", "--report", svg,
                    "--report", text, "--report", data, "-o", self.path("x.tnn"), self.sandwich())
        plan = json.loads(self.read("plan.json"))
        self.assertEqual([node["target"] for node in plan["nodes"]], ["null", "cpu", "null"])
        self.assertEqual(plan["nodes"][1]["options"][0]["reason"],
                         "add is no map of single elements")
        # a goes to the CPU, b comes back; x goes in and c comes out: 64 KiB each.
        null, cpu = plan["targets"]
        self.assertEqual((null["bytes_in"], null["bytes_out"]), (2 * 65536, 2 * 65536))
        self.assertEqual((null["host"], cpu["host"], null["alone_ns"]), (False, True, None))
        self.assertEqual(sum(edge["crosses"] for edge in plan["edges"]), 4)
        self.assertEqual(plan["estimated_ns"], plan["transfer_ns"] + plan["submit_ns"] +
                         sum(node["estimated_ns"] for node in plan["nodes"]))
        picture = xml.etree.ElementTree.fromstring(self.read("plan.svg"))
        words = [element.text for element in picture.iter() if element.tag.endswith("}text")]
        for word in ("relu6", "add", "logistic", "null", "cpu", "sandwich.tir",
                     "null: add is no map of single elements"):
            self.assertIn(word, words)
        self.assertIn(b"null: add is no map of single elements", self.read("plan.txt"))

    def test_a_run_measures(self):
        data = self.path("plan.json")
        self.expect(0, "run", "-d", "null,cpu", "--report", data, "--report", self.path("p.svg"),
                    self.sandwich())
        self.assertTrue(all(node["measured_ns"] > 0
                            for node in json.loads(self.read("plan.json"))["nodes"]))
        out, _ = self.expect(0, "run", "--report", "-", self.sandwich())
        self.assertIn("why not a better one", out)
        self.expect(0, "compile", "-o", self.path("x.tnn"), self.sandwich())
        self.expect(3, "run", "--report", data, self.path("x.tnn"))

    def test_reports_and_program_appear_together(self):
        self.expect(4, "compile", "--report", self.path("plan.svg"), "--report",
                    self.path("none/plan.svg"), "-o", self.path("x.tnn"), self.sandwich())
        self.assertEqual(os.listdir(self.folder), ["sandwich.tir"])

    def test_names_cannot_leave_the_picture(self):
        model = SANDWICH.replace(b'add "b"', b'add "</text><script>&b"')
        svg = self.path("plan.svg")
        self.expect(0, "compile", "--report", svg, "-o", self.path("x.tnn"),
                    self.write("evil.tir", model))
        tags = {e.tag.split("}")[1] for e in
                xml.etree.ElementTree.fromstring(self.read("plan.svg")).iter()}
        self.assertNotIn("script", tags)


class Calibration(CommandTest):
    def test_common_operators_are_measured_and_used(self):
        costs = self.path("costs.json")
        out, _ = self.expect(0, "calibrate", "--time", "0.01", "-d", "cpu,null", "-o", costs)
        self.assertRegex(out, r"cpu +conv_2d +12 ")
        self.assertRegex(out, r"null +relu6 +4 ")
        items = json.loads(self.read("costs.json"))["costs"]
        ratios = {(c["target"], c["operation"]): c["ratio"] for c in items if "ratio" in c}
        self.assertTrue(all(("ns" in c) != ("ratio" in c) for c in items))
        data = self.path("plan.json")
        model = self.write("sandwich.tir", SANDWICH)
        self.expect(0, "compile", "-d", "null,cpu", "--report", data, "-o", self.path("a.tnn"),
                    model)
        before = json.loads(self.read("plan.json"))
        self.expect(0, "compile", "-d", "null,cpu", "--costs", costs, "--report", data, "-o",
                    self.path("b.tnn"), model)
        after = json.loads(self.read("plan.json"))
        one, other = before["nodes"][1]["options"][1], after["nodes"][1]["options"][1]
        self.assertEqual((one["target"], one["calibrated"], other["calibrated"]),
                         ("cpu", False, True))
        self.assertAlmostEqual(other["estimated_ns"],
                               one["estimated_ns"] * ratios["cpu", "add"], delta=2)

    def test_operators_of_a_model(self):
        model, costs, data = self.write("sandwich.tir", SANDWICH), self.path("c"), self.path("p.json")
        self.expect(0, "calibrate", "--time", "0.01", "-d", "cpu", "-m", model, "-o", costs)
        items = json.loads(self.read("c"))["costs"]
        exact = {c["operation"]: c["ns"] for c in items if "ns" in c}
        self.assertEqual(len(exact), 3)
        self.expect(0, "run", "--costs", costs, "--report", data, model)
        for node in json.loads(self.read("p.json"))["nodes"]:
            self.assertEqual(node["estimated_ns"], exact[node["operation"]])

    def test_what_is_no_profile_is_refused(self):
        model = self.write("sandwich.tir", SANDWICH)
        for text in ("", "{}", "[]", '{"tenon_costs": 2, "costs": []}', '{"tenon_costs": 1}',
                     '{"tenon_costs": 1, "costs": [{"target": "cpu", "operation": "add"}]}',
                     '{"tenon_costs": 1, "costs": [{"target": "cpu", "ns": 1}]}',
                     '{"tenon_costs": 1, "costs": [{"target": "cpu", "operation": "add", '
                     '"ratio": -1}]}', '{"tenon_costs": 1, "costs": [1]}'):
            with self.subTest(text):
                self.expect(2, "run", "--costs", self.write("c", text.encode()), model)
        self.expect(4, "run", "--costs", self.path("none"), model)
        self.expect(0, "run", "--costs", self.write("c", b'{"tenon_costs": 1, "costs": []}'), model)
        self.expect(3, "calibrate")
        self.expect(4, "calibrate", "-d", "nosuch", "-o", self.path("x"))
        self.assertFalse(os.path.exists(self.path("x")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
