"""Makes tests/data/layouts/: recurrent layers of other frameworks, with the arrays as the framework has them.

    python tests/data/make_layouts.py tensorflow     (tensorflow 2.21, tf_keras: its classes of TensorFlow 1)
    python tests/data/make_layouts.py flax haiku equinox     (jax 0.10, flax 0.12, dm-haiku 0.0.17, equinox 0.13)
    python tests/data/make_layouts.py paddle     (paddlepaddle 3.3)

Each framework has a file: cases with `arrays`, an input `x` (samples, timesteps, features), and the framework's output `y`
for each timestep. Arrays are [shape, numbers].
"""

import json
import os
import sys

import numpy as np

FEATURES, UNITS = 3, 2
SHAPE = (2, 5, FEATURES)


class Framework:
    """The cases of a framework, each with random numbers of its own."""

    def __init__(self, name):
        self.name, self.cases = name, []

    def case(self, name, seed):
        rng = np.random.default_rng([len(self.name), seed])
        self.cases.append({"name": name, "arrays": {}})
        self.draw = lambda shape, scale=1.0: (rng.standard_normal(shape) * scale).round(3).astype(np.float32)
        self.x = self.array("x", self.draw(SHAPE), of_case=True)
        return self.x

    def array(self, name, array, of_case=False):
        array = np.asarray(array, np.float32)
        numbers = [float(str(number)) for number in array.reshape(-1)]
        case = self.cases[-1]
        (case if of_case else case["arrays"])[name] = [list(array.shape), numbers]
        return array

    def draw_array(self, name, shape):
        return self.array(name, self.draw(shape, 0.7))

    def y(self, y):
        y = np.asarray(y, np.float32)
        assert y.shape == SHAPE[:2] + (UNITS,), y.shape
        self.array("y", y, of_case=True)

    def save(self):
        folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layouts")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, self.name + ".json"), "w") as file:
            file.write("[\n" + ",\n".join(json.dumps(case) for case in self.cases) + "\n]\n")
        print(self.name, len(self.cases))


def tensorflow():
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tensorflow as tf

    v1 = tf.compat.v1
    v1.disable_eager_execution()
    to = Framework("tensorflow")
    for seed, name in enumerate(["BasicLSTMCell", "LSTMCell", "GRUCell", "BasicRNNCell"]):
        x = to.case(name, seed)
        with v1.Session() as session, v1.variable_scope(name):
            cell = getattr(v1.nn.rnn_cell, name)(UNITS)
            y, _ = v1.nn.dynamic_rnn(cell, tf.constant(x), dtype=tf.float32)
            for variable in cell.variables:
                inside = variable.name.split("_cell/")[-1].split(":")[0]
                variable.load(to.draw_array(inside, variable.shape), session)
            to.y(session.run(y))
    to.save()


def scan(step, carry, x):
    """`step` over the timesteps: carry, x_t -> carry, y_t."""
    outputs = []
    for t in range(x.shape[1]):
        carry, y = step(carry, x[:, t])
        outputs.append(np.asarray(y))
    return np.stack(outputs, 1)


def zeros():
    return np.zeros((SHAPE[0], UNITS), np.float32)


def flax():
    from flax import linen as nn
    import jax

    to = Framework("flax")
    for seed, cell in enumerate([nn.LSTMCell(UNITS), nn.GRUCell(UNITS), nn.SimpleCell(UNITS)]):
        x = to.case(type(cell).__name__, seed)
        carry = (zeros(), zeros()) if seed == 0 else zeros()
        params = cell.init(jax.random.key(0), carry, x[:, 0])["params"]
        params = {
            dense: {array: to.draw_array(f"{dense}/{array}", old.shape) for array, old in sorted(of.items())}
            for dense, of in params.items()
        }
        to.y(scan(lambda carry, x_t: cell.apply({"params": params}, carry, x_t), carry, x))
    to.save()


def haiku():
    import haiku as hk
    import jax

    to = Framework("haiku")
    for seed, core in enumerate([hk.LSTM, hk.GRU, hk.VanillaRNN]):
        x = to.case(core.__name__, seed)
        carry = hk.LSTMState(zeros(), zeros()) if seed == 0 else zeros()
        step = hk.without_apply_rng(hk.transform(lambda x_t, carry: core(UNITS)(x_t, carry)))
        params = step.init(jax.random.key(0), x[:, 0], carry)
        params = {
            module: {array: to.draw_array(f"{module}/{array}", old.shape) for array, old in sorted(of.items())}
            for module, of in params.items()
        }
        to.y(scan(lambda carry, x_t: step.apply(params, x_t, carry)[::-1], carry, x))
    to.save()


def equinox():
    import equinox as eqx
    import jax

    to = Framework("equinox")
    for seed, kind in enumerate([eqx.nn.LSTMCell, eqx.nn.GRUCell]):
        x = to.case(kind.__name__, seed)
        cell = kind(FEATURES, UNITS, key=jax.random.key(0))
        for name in ["weight_ih", "weight_hh", "bias", "bias_n"]:
            if hasattr(cell, name):
                new = to.draw_array(name, getattr(cell, name).shape)
                cell = eqx.tree_at(lambda cell: getattr(cell, name), cell, jax.numpy.asarray(new))
        call = jax.vmap(cell)
        if seed == 0:
            step = lambda carry, x_t: (lambda new: (new, new[0]))(call(x_t, carry))
            to.y(scan(step, (zeros(), zeros()), x))
        else:
            to.y(scan(lambda carry, x_t: (call(x_t, carry),) * 2, zeros(), x))
    to.save()


def paddle():
    import paddle

    to = Framework("paddle")
    for seed, kind in enumerate([paddle.nn.LSTM, paddle.nn.GRU, paddle.nn.SimpleRNN]):
        x = to.case(kind.__name__, seed)
        layer = kind(FEATURES, UNITS)
        for name in ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]:
            parameter = getattr(layer, name)
            parameter.set_value(to.draw_array(name, parameter.shape))
        to.y(layer(paddle.to_tensor(x))[0].numpy())
    to.save()


for name in sys.argv[1:]:
    globals()[name]()
