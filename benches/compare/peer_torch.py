"""PyTorch in inference mode: torch.nn.LSTM, GRU and RNN; a step is an LSTMCell or a GRUCell; lengths are packed
sequences, packing and padding timed with it."""

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import peer

LAYERS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}
CELLS = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}
NAMES = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]


def load(module, weights, suffix):
    """suffix(layer, direction) of the names of the weights."""
    module.load_state_dict(
        {
            name + suffix(l, d): torch.from_numpy(array)
            for l, layer in enumerate(weights)
            for d, arrays in enumerate(layer)
            for name, array in zip(NAMES, arrays)
        }
    )
    return module.eval()


class Step:
    def __init__(self, row):
        self.cell = load(CELLS[row.cell](row.features, row.units), row.weights(), lambda l, d: "")
        self.x = torch.from_numpy(row.x()[0])
        zeros = torch.zeros(1, row.units)
        self.state = (zeros, zeros) if row.cell == "lstm" else zeros

    def call(self, n):
        cell, x, state = self.cell, self.x, self.state
        with torch.inference_mode():
            for _ in range(n):
                state = cell(x, state)
        self.state = state

    def answer(self):
        h, c = self.state if isinstance(self.state, tuple) else (self.state, None)
        return None, h.numpy(), c if c is None else c.numpy()


class Sequences:
    def __init__(self, row):
        bidirectional = row.directions == 2
        module = LAYERS[row.cell](row.features, row.units, num_layers=row.layers, bidirectional=bidirectional)
        self.module = load(module, row.weights(), lambda l, d: f"_l{l}" + "_reverse" * d)
        self.x, self.row = torch.from_numpy(row.x()), row
        self.lengths = torch.from_numpy(row.lengths()) if row.padded else None

    def call(self, n):
        with torch.inference_mode():
            for _ in range(n):
                if self.lengths is None:
                    self.y, self.state = self.module(self.x)
                else:
                    packed = pack_padded_sequence(self.x, self.lengths, enforce_sorted=False)
                    packed, self.state = self.module(packed)
                    self.y, _ = pad_packed_sequence(packed, total_length=self.row.timesteps)

    def answer(self):
        h, c = self.state if self.row.cell == "lstm" else (self.state, None)
        top = lambda state: state if state is None else state[-self.row.directions :].numpy()
        return self.y.numpy(), top(h), top(c)


if __name__ == "__main__":
    peer.serve(torch.set_num_threads, lambda row, threads, folder: (Step if row.step else Sequences)(row))
