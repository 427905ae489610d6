"""Makes tests/data/own: models with layers and functions of one's own, and what Keras computes with them, in the form of
tests/data/keras_files.

    python tests/data/make_own.py            keras >= 3 with TensorFlow: cases k3_*
    python tests/data/make_own.py tf_keras   tf_keras: cases k2_*

With a second argument `cell` it makes the case of `cell` alone.

Used were Keras 3.15.1 and tf_keras 2.21.0 with TensorFlow 2.21.0. KERAS_OWN names another directory.
"""

import os
import sys

here = os.environ.get("KERAS_OWN") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "own")
os.environ["KERAS_FILES"] = here
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import make_keras_files as files  # noqa: E402
import numpy as np  # noqa: E402

k, L, of_keras3 = files.k, files.L, files.kind == "keras"
files.rng = rng = np.random.default_rng(20261201)
register = k.saving.register_keras_serializable if of_keras3 else k.utils.register_keras_serializable


@register("mine")
class Scale(L.Layer):
    """One weight that is trained and one that is not, made in the other order."""

    def __init__(self, by=2.0, **others):
        super().__init__(**others)
        self.by = by

    def build(self, shape):
        self.offset = self.add_weight(name="offset", shape=(shape[-1],), trainable=False)
        self.gain = self.add_weight(name="gain", shape=(shape[-1],))
        super().build(shape)

    def compute_output_shape(self, shape):
        return shape

    def call(self, x):
        return x * self.gain * self.by + self.offset

    def get_config(self):
        return {**super().get_config(), "by": self.by}


@register("mine")
class Mix(L.Layer):
    """Layers inside of it, and two inputs."""

    def __init__(self, **others):
        super().__init__(**others)
        self.first, self.second = L.Dense(3, name="one"), L.Dense(3, use_bias=False, name="two")

    if of_keras3:

        def build(self, shape, *others):
            self.first.build(shape), self.second.build(shape)

    def call(self, x, y):
        return self.first(x) + self.second(y)


@register("mine")
def snake(x):
    sin = k.ops.sin(x) if of_keras3 else k.backend.sin(x)
    return x + sin * sin


def half(x):
    return x * 0.5


def scale():
    x = k.Input((4, 3), name="x")
    return k.Model(x, Scale(0.5, name="scale")(x))


def own():
    x = k.Input((5, 3), name="x")
    y = Scale(0.5, name="scaled")(x)
    y = Mix(name="named")(y, y=x)
    y = Mix(name="placed")(y, x)
    y = L.Dense(3, activation=snake, name="dense")(y)
    y = L.LSTM(3, activation=snake, return_sequences=True, name="lstm")(y)
    y = L.GRU(3, activation=snake, recurrent_activation=half, return_sequences=True, name="gru")(y)
    y = L.Conv1D(3, 1, activation=half, name="conv")(L.Activation(snake, name="function")(y))
    first = k.Input((5, 3)) if of_keras3 else L.InputLayer((5, 3))
    y = k.Sequential([first, Scale(name="inner"), L.Dense(2, name="head")], name="part")(y)
    return k.Model(x, L.TimeDistributed(Scale(3.0, name="each"), name="times")(y))


@register("mine")
class LeakyCell(L.Layer):
    """The state decays by rates of its own; the output is the state."""

    def __init__(self, units, by=1.0, **others):
        super().__init__(**others)
        self.units, self.by = units, by
        self.state_size = self.output_size = units

    def build(self, shape):
        self.kernel = self.add_weight(name="kernel", shape=(shape[-1], self.units))
        self.rate = self.add_weight(name="rate", shape=(self.units,))
        super().build(shape)

    def call(self, x, states, training=False):
        dot = k.ops.matmul if of_keras3 else k.backend.dot
        h = states[0] * self.rate + dot(x, self.kernel) * self.by
        return h, [h]

    def get_config(self):
        return {**super().get_config(), "units": self.units, "by": self.by}


def cell():
    """A cell of one's own in a `RNN`, with masks, directions, states and sequences."""
    x = k.Input((5, 3), name="x")
    y = L.RNN(LeakyCell(4, 0.5, name="inside"), return_sequences=True, name="leaky")(L.Masking()(x))
    back = L.RNN(LeakyCell(2), return_sequences=True, go_backwards=True, zero_output_for_mask=True, name="back")(y)
    last, h = L.RNN(LeakyCell(3), return_state=True, name="last")(y)
    after = L.RNN(LeakyCell(3), name="after")(x, initial_state=h)
    return k.Model(x, [y, back, last, h, after])


def anonymous(function):
    """Without the path of this file, which a Lambda would write."""
    function.__code__ = function.__code__.replace(co_filename="")
    return function


def lambdas():
    x = k.Input((5, 3), name="x")
    y = L.GRU(3, return_sequences=True, name="gru")(L.Masking()(x))
    last = L.Lambda(anonymous(lambda z: z[:, -3:, :]), output_shape=(3, 3), name="last_three")(y)
    both = L.Lambda(anonymous(lambda both: both[0] - 2.0 * both[1]), output_shape=(5, 3), name="minus")([y, x])
    return k.Model(x, [L.LSTM(2, name="lstm")(last), both])


def main():
    x = files.random((2, 5, 3), 1.0)
    padded = x.copy()
    padded[0, 3:] = 0
    if files.only == "cell":
        files.add("cell", cell, [[padded]], ("keras", "h5"))
        return files.write()
    files.add("scale", scale, [[x[:, :4]]], ("keras",))
    files.add("own", own, [[x]], ("keras", "h5"))
    files.add("lambdas", lambdas, [[padded]], ("keras",))
    files.add("cell", cell, [[padded]], ("keras", "h5"))
    files.write()


if __name__ == "__main__":
    main()
