"""Smallest TFLite files for tests of the command: a model whose outputs are its inputs.

A FlatBuffer written front to back after the published format and TFLite's schema.fbs (table and
field numbers named below), so that the bytes come from nothing that Tenon wrote.
"""
import struct

TYPES = {"f32": 0, "i32": 2, "u8": 3, "i64": 4, "bool": 6, "i16": 7, "i8": 9}


class Writer:
    def __init__(self):
        self.out = bytearray()

    def align(self, to, ahead=0):
        while (len(self.out) + ahead) % to:
            self.out.append(0)

    def patch(self, at, target):
        struct.pack_into("<I", self.out, at, target - at)

    def vector(self, code, values):
        size = struct.calcsize("<" + code)
        self.align(max(size, 4), ahead=4)
        at = len(self.out)
        self.out += struct.pack("<I", len(values)) + struct.pack(f"<{len(values)}{code}", *values)
        return at

    def string(self, text):
        at = self.vector("B", list(text.encode()))
        self.out.append(0)
        return at

    def references(self, children):
        """A vector of objects; each child is a function that writes one and returns its place."""
        at = self.vector("I", [0] * len(children))
        for i, child in enumerate(children):
            self.patch(at + 4 + 4 * i, child())
        return at

    def table(self, fields):
        """fields: {number: int, or a function that writes the object}; each takes four bytes."""
        self.align(4)
        count = max(fields, default=-1) + 1
        vtable = len(self.out)
        places = {n: 4 + 4 * i for i, n in enumerate(sorted(fields))}
        self.out += struct.pack("<HH", 4 + 2 * count, 4 + 4 * len(fields))
        self.out += b"".join(struct.pack("<H", places.get(n, 0)) for n in range(count))
        self.align(4)
        at = len(self.out)
        self.out += struct.pack("<i", at - vtable) + bytes(4 * len(fields))
        for number, value in fields.items():
            place = at + places[number]
            if callable(value):
                self.patch(place, value())
            else:
                struct.pack_into("<I", self.out, place, value)
        return at


def passing(tensors, outputs=None):
    """A model without operators. tensors: (name, type, shape, scale, zero point), scale may be
    None. outputs: indices; all by default."""
    w = Writer()

    def quantization(scale, zero):
        # QuantizationParameters: 2 scale, 3 zero_point
        return lambda: w.table({2: lambda: w.vector("f", [scale]), 3: lambda: w.vector("q", [zero])})

    def tensor(name, kind, shape, scale, zero):
        # Tensor: 0 shape, 1 type, 2 buffer, 3 name, 4 quantization
        fields = {0: lambda: w.vector("i", shape), 1: TYPES[kind], 2: 0, 3: lambda: w.string(name)}
        if scale is not None:
            fields[4] = quantization(scale, zero)
        return lambda: w.table(fields)

    indices = list(range(len(tensors)))
    # SubGraph: 0 tensors, 1 inputs, 2 outputs, 3 operators
    subgraph = lambda: w.table({
        0: lambda: w.references([tensor(*t) for t in tensors]),
        1: lambda: w.vector("i", indices),
        2: lambda: w.vector("i", indices if outputs is None else outputs),
        3: lambda: w.references([])})
    w.out += struct.pack("<I", 0) + b"TFL3"
    # Model: 0 version, 1 operator_codes, 2 subgraphs, 4 buffers (the first is empty by definition)
    w.patch(0, w.table({0: 3, 1: lambda: w.references([]),
                        2: lambda: w.references([subgraph]),
                        4: lambda: w.references([lambda: w.table({})])}))
    return bytes(w.out)
