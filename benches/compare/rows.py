"""The rows of the table: shapes, weights, inputs, and what must come out.

The reference is a plain loop over numpy's float64, in the order of the equations; no peer's code is in it. Weights are
kept as PyTorch has them: the gates are blocks of rows, i f g o of an LSTM and r z n of a GRU, and there are two biases.
"""

import dataclasses
import json
import pathlib
import sys
import zlib

import numpy as np

CELLS = ["lstm", "gru", "rnn"]
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
CHECKED_STEPS = 4  # the first step alone would not read the recurrent weights


@dataclasses.dataclass(frozen=True)
class Row:
    id: str
    what: str
    cell: str
    samples: int
    timesteps: int
    features: int
    units: int
    step: bool = False  # one timestep a call, the state carried from call to call
    layers: int = 1
    directions: int = 1
    padded: bool = False

    def text(self):
        shape = f"{self.features} → {self.units}"
        return f"{self.what}, {shape}" if self.step else f"{self.what}, {self.samples} × {self.timesteps} × {shape}"

    def numbers(self, what):
        return np.random.default_rng(zlib.crc32(f"{self.id} {what}".encode()))

    def x(self):
        """(timesteps, samples, features)"""
        shape = (self.timesteps, self.samples, self.features)
        return self.numbers("x").standard_normal(shape).astype(np.float32)

    def weights(self):
        """[layer][direction] -> (weight_ih, weight_hh, bias_ih, bias_hh)"""
        rng, rows, limit = self.numbers("weights"), GATES[self.cell] * self.units, 1 / np.sqrt(self.units)
        uniform = lambda *shape: rng.uniform(-limit, limit, shape).astype(np.float32)
        below = lambda layer: self.directions * self.units if layer else self.features
        one = lambda layer: (uniform(rows, below(layer)), uniform(rows, self.units), uniform(rows), uniform(rows))
        return [[one(layer) for _ in range(self.directions)] for layer in range(self.layers)]

    def lengths(self):
        """How many timesteps of each sample are real: evenly from 10 to all of them."""
        return np.linspace(10, self.timesteps, self.samples).round().astype(np.int64) if self.padded else None


def _step(id, what, cell, features, units):
    return Row(id, what, cell, 1, 1, features, units, step=True)


ROWS = {
    row.id: row
    for row in [
        Row("A0", "LSTM, pure overhead", "lstm", 1, 3, 2, 1),
        _step("S1", "LSTM step, audio model", "lstm", 1, 16),
        _step("S2", "LSTM step, guitar amplifier", "lstm", 1, 40),
        _step("S3", "GRU step, noise suppression", "gru", 64, 96),
        _step("S4", "LSTM step, voice activity", "lstm", 128, 128),
        _step("S5", "LSTM step, big", "lstm", 512, 512),
        Row("Q1", "LSTM", "lstm", 1, 100, 64, 128),
        Row("Q2", "LSTM", "lstm", 1, 250, 512, 512),
        Row("Q3", "LSTM", "lstm", 32, 100, 128, 256),
        Row("Q4", "LSTM", "lstm", 128, 50, 512, 512),
        Row("Q5", "GRU", "gru", 32, 100, 128, 256),
        Row("Q6", "bidirectional LSTM", "lstm", 8, 200, 256, 256, directions=2),
        Row("Q7", "3 stacked LSTM", "lstm", 16, 100, 128, 256, layers=3),
        Row("Q8", "SimpleRNN", "rnn", 32, 100, 128, 256),
        Row("Q9", "LSTM, masked", "lstm", 32, 100, 128, 256, padded=True),
    ]
}


# ---- the reference -------------------------------------------------------------------------------------------------


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _one_direction(row, weights, x, backwards):
    w, r, b, rb = (a.astype(np.float64) for a in weights)
    lengths = row.lengths() if row.padded else np.full(row.samples, len(x))
    h = c = np.zeros((row.samples, row.units))
    y = np.zeros((len(x), row.samples, row.units))
    for t in range(len(x))[:: -1 if backwards else 1]:
        a, s = x[t] @ w.T + b, h @ r.T + rb
        new_c = c
        if row.cell == "lstm":
            i, f, g, o = np.split(a + s, 4, axis=1)
            new_c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            new_h = sigmoid(o) * np.tanh(new_c)
        elif row.cell == "gru":
            (ar, az, an), (sr, sz, sn) = np.split(a, 3, axis=1), np.split(s, 3, axis=1)
            z = sigmoid(az + sz)
            new_h = z * h + (1 - z) * np.tanh(an + sigmoid(ar + sr) * sn)
        else:
            new_h = np.tanh(a + s)
        real = (t < lengths)[:, None]
        y[t], h, c = np.where(real, new_h, 0), np.where(real, new_h, h), np.where(real, new_c, c)
    return y, h, c


def reference(row):
    """All outputs (timesteps, samples, directions * units), and the last h and c of the uppermost layer,
    (directions, samples, units). Of a row of steps: the state after CHECKED_STEPS of them, all with the same input."""
    x = np.repeat(row.x().astype(np.float64), CHECKED_STEPS if row.step else 1, axis=0)
    for layer in row.weights():
        parts = [_one_direction(row, weights, x, d == 1) for d, weights in enumerate(layer)]
        x = np.concatenate([y for y, _, _ in parts], axis=2)
    return x, np.stack([h for _, h, _ in parts]), np.stack([c for _, _, c in parts])


# ---- the files -----------------------------------------------------------------------------------------------------


def write(row, folder):
    """ID.bin for the Rust peers and the check, little-endian float64: nine numbers that say what follows, and that."""
    y, h, c = reference(row)
    head = [CELLS.index(row.cell), row.step, row.samples, row.timesteps, row.features, row.units]
    head += [row.layers, row.directions, row.padded]
    parts = [np.array(head), row.lengths() if row.padded else [], row.x()]
    parts += [a for layer in row.weights() for weights in layer for a in weights]
    parts += [[] if row.step else y, h, c if row.cell == "lstm" else []]
    np.concatenate([np.ravel(a) for a in parts]).astype("<f8").tofile(folder / f"{row.id}.bin")


def read(row, folder):
    """(y, h, c) of the reference from that file, each empty where it has none."""
    state = (row.directions, row.samples, row.units)
    shapes = [(0 if row.step else row.timesteps, row.samples, row.directions * row.units), state]
    shapes.append(state if row.cell == "lstm" else (0,))
    sizes = [int(np.prod(shape)) for shape in shapes]
    numbers = np.split(np.fromfile(f"{folder}/{row.id}.bin", "<f8")[-sum(sizes) :], np.cumsum(sizes)[:-1])
    return [a.reshape(shape) for a, shape in zip(numbers, shapes)]


def main(folder):
    import onnx
    import onnx_model

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.json").write_text(json.dumps({row.id: row.text() for row in ROWS.values()}))
    for row in ROWS.values():
        write(row, folder)
        onnx.save(onnx_model.build(row), folder / f"{row.id}.onnx")
        onnx.save(onnx_model.build(row, with_c=False), folder / f"{row.id}.no_c.onnx")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
