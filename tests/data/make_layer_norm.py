"""Makes tests/data/layer_norm.json: cells with layer normalisation, as layers of Keras.

    python tests/data/make_layer_norm.py            Keras 3 with TensorFlow

Keras has no such cells. These are written from the equations of tensorflow_addons/rnn/layer_norm_lstm_cell.py, of
LayerNormLSTM and LayerNormGRU of https://github.com/lmnt-com/haste, and of Ba et al., https://arxiv.org/abs/1607.06450.
Weights and inputs are random f32, outputs are computed in f64. Used was Keras 3.15.1.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
from keras import ops

keras.backend.set_floatx("float64")
L = keras.layers
here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(20261130)
FEATURES, UNITS, SAMPLES, STEPS = 3, 5, 2, 4


def random(*shape):
    return rng.standard_normal(shape).astype(np.float32).astype(np.float64)


def norm(z, gamma, beta, epsilon):
    mean = ops.mean(z, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(z - mean), axis=-1, keepdims=True)
    return gamma * (z - mean) / ops.sqrt(variance + epsilon) + beta


class Cell(L.Layer):
    def __init__(self, kind, weights, epsilon, carry, **kwargs):
        super().__init__(**kwargs)
        self.kind, self.w, self.epsilon, self.carry = kind, weights, epsilon, carry
        self.state_size = [UNITS, UNITS] if kind == "lstm" else UNITS
        self.output_size = UNITS

    def sums(self, x, h):
        w, zero = self.w, np.zeros_like(self.w["gamma"])
        beta = w.get("beta", zero)
        of_x = norm(ops.matmul(x, w["kernel"]), w["gamma"][0], beta[0], self.epsilon)
        of_h = norm(ops.matmul(h, w["recurrent_kernel"]), w["gamma"][1], beta[1], self.epsilon)
        return of_x, of_h

    def call(self, x, states, training=None):
        h, w = states[0], self.w
        of_x, of_h = self.sums(x, h)
        if self.kind == "gru":
            of_x, of_h = ops.split(of_x + w["bias"][0], 3, axis=-1), ops.split(of_h + w["bias"][1], 3, axis=-1)
            z, r = ops.sigmoid(of_x[0] + of_h[0]), ops.sigmoid(of_x[1] + of_h[1])
            g = ops.tanh(of_x[2] + r * of_h[2])
            h = z * h + (1 - z) * g
            return h, [h]
        i, f, g, o = ops.split(of_x + of_h + w["bias"], 4, axis=-1)
        c = ops.sigmoid(f) * states[1] + ops.sigmoid(i) * ops.tanh(g)
        seen = c
        if "state_gamma" in w:
            seen = norm(c, w["state_gamma"], w.get("state_beta", 0.0), self.epsilon)
        h = ops.sigmoid(o) * ops.tanh(seen)
        return h, [h, seen if self.carry else c]


def weights(kind, beta, state):
    columns = UNITS * (4 if kind == "lstm" else 3)
    w = {"kernel": random(FEATURES, columns), "recurrent_kernel": random(UNITS, columns), "gamma": random(2, columns)}
    w["bias"] = random(columns) if kind == "lstm" else random(2, columns)
    if beta:
        w["beta"] = random(2, columns)
    if state:
        w["state_gamma"] = random(UNITS)
        if beta:
            w["state_beta"] = random(UNITS)
    return w


def case(name, kind, beta, state, carry, epsilon):
    both = [weights(kind, beta, state) for _ in range(2)]
    x, more = random(SAMPLES, STEPS, FEATURES), random(SAMPLES, STEPS, FEATURES)
    mask = np.array([[True, False, True, True], [False, True, True, False]])
    make = lambda w, **flags: L.RNN(Cell(kind, w, epsilon, carry), return_sequences=True, **flags)
    array = lambda y: np.asarray(y).tolist()
    out = {"name": name, "kind": kind, "carry": carry, "epsilon": epsilon}
    out["weights"] = [{key: array(w) for key, w in of.items()} for of in both]
    out |= {"x": array(x), "more": array(more), "mask": mask.tolist()}
    out["sequences"] = array(make(both[0])(x))
    out["masked"] = array(make(both[0])(x, mask=mask))
    out["backwards"] = array(make(both[0], go_backwards=True)(x, mask=mask))
    # What keras.layers.Bidirectional does, which cannot copy these cells.
    ahead, back = make(both[0], zero_output_for_mask=True), make(both[1], go_backwards=True, zero_output_for_mask=True)
    y = [np.asarray(ahead(x, mask=mask)), np.asarray(back(x, mask=mask))[:, ::-1]]
    out["bidirectional"] = array(np.concatenate(y, axis=-1))
    kept = make(both[0], stateful=True)
    out["stateful"] = [array(kept(x)), array(kept(more))]
    return out


cases = [
    case("tfa.rnn.LayerNormLSTMCell", "lstm", True, True, True, 1e-3),
    case("haste LayerNormLSTM", "lstm", False, True, False, 1e-5),
    case("Ba et al.", "lstm", True, True, False, 1e-5),
    case("no norm of the state", "lstm", True, False, False, 1e-5),
    case("haste LayerNormGRU", "gru", False, False, False, 1e-5),
    case("a GRU with offsets", "gru", True, False, False, 1e-3),
]
with open(here + "/layer_norm.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")
print(len(cases), "cases,", os.path.getsize(here + "/layer_norm.json"), "bytes")
