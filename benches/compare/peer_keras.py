"""Keras on TensorFlow: keras.layers inside a tf.function that was traced for the row's shapes, compiled by XLA where
that is the faster way."""

import os

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")

import keras
import numpy as np
import tensorflow as tf

import peer

LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}


def setup(threads):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def keras_weights(cell, weights):
    w, r, b, rb = weights
    if cell != "gru":
        return [w.T, r.T, b + rb]
    order = lambda a: np.concatenate([np.split(a, 3)[i] for i in (1, 0, 2)])  # r z n -> z r n
    return [order(w).T, order(r).T, np.stack([order(b), order(rb)])]


def layers(row):
    below, made = row.features, []
    for weights in row.weights():
        layer = LAYERS[row.cell](row.units, return_sequences=True, return_state=True)
        if row.directions == 2:
            layer = keras.layers.Bidirectional(layer)
        layer.build((row.samples, row.timesteps, below))
        layer.set_weights([a for one in weights for a in keras_weights(row.cell, one)])
        made.append(layer)
        below = row.directions * row.units
    return made


class Layers:
    def __init__(self, row, threads, folder):
        self.row, stack = row, layers(row)
        self.x = tf.constant(row.x().transpose(1, 0, 2))
        states = 2 if row.cell == "lstm" else 1
        self.rest = []
        if row.step:
            self.rest = [tf.zeros((1, row.units))] * states
        elif row.padded:
            self.rest = [tf.constant(np.arange(row.timesteps) < row.lengths()[:, None])]

        def step(x, *state):
            return stack[0](x, initial_state=list(state), training=False)

        def sequences(x, mask=None):
            for layer in stack:
                x, *state = layer(x, mask=mask, training=False)
            return x, *state

        function = tf.function(step if row.step else sequences, autograph=False, jit_compile=True)
        specs = [tf.TensorSpec(a.shape, a.dtype) for a in (self.x, *self.rest)]
        self.function = function.get_concrete_function(*specs)

    def call(self, n):
        function, x, rest, step = self.function, self.x, self.rest, self.row.step
        for _ in range(n):
            y, *state = function(x, *rest)
            if step:
                rest = state
        self.rest, self.y, self.state = rest, y, state

    def answer(self):
        y = None if self.row.step else self.y.numpy().transpose(1, 0, 2)
        stack = lambda arrays: np.stack([a.numpy() for a in arrays]) if arrays else None
        each = 2 if self.row.cell == "lstm" else 1  # h, c of each direction
        return y, stack(self.state[::each]), stack(self.state[1::each] if each == 2 else [])


if __name__ == "__main__":
    peer.serve(setup, Layers)
