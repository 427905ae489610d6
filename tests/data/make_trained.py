"""Makes tests/data/trained: models that were compiled, as Keras saved them, and the weights after some steps of the training
that their files describe.

    python tests/data/make_trained.py            keras >= 3 with TensorFlow: cases k3_*
    python tests/data/make_trained.py tf_keras   tf_keras: cases k2_*

Used were Keras 3.15.1 and tf_keras 2.21.0 with TensorFlow 2.21.0. The models are in float64, so that a step is compared and not
its rounding. Keras rounds most options to float32, also then: so they are sums
of few powers of two, but in the case `three`, which has the defaults.
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
of_keras3 = "tf_keras" not in sys.argv
if of_keras3:
    import keras as k
else:
    import tf_keras as k
import numpy as np

L, R, C = k.layers, k.regularizers, k.constraints
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "trained")
k.backend.set_floatx("float64")
rng = np.random.default_rng(20261130)
cases_file = os.path.join(here, "cases.json")


def one():
    """Penalties, constraints and a frozen layer; a schedule, a clip."""
    x = k.Input((5, 3), name="x")
    y = L.LSTM(
        4,
        return_sequences=True,
        kernel_regularizer=R.L2(2**-6),
        bias_regularizer=R.L1(2**-5),
        recurrent_constraint=C.MaxNorm(0.9),
        name="body",
    )(x)
    y = L.TimeDistributed(L.Dense(4, activation="tanh", kernel_regularizer=R.L1L2(2**-7, 2**-6)), name="each")(y)
    # Keras 2 counts the penalty of a frozen weight in the loss; it moves nothing. Keras 3 does not.
    penalty = R.L2(9.0) if of_keras3 else None
    y = L.Dense(3, activation="tanh", trainable=False, kernel_regularizer=penalty, name="still")(y)
    y = L.Bidirectional(L.GRU(3, recurrent_regularizer=R.L1L2(2**-7, 2**-6)), name="both")(y)
    y = L.Dense(2, activation="softmax", kernel_constraint=C.UnitNorm(), bias_constraint=C.NonNeg(), name="head")(y)
    model = k.Model(x, y, name="one")
    rate = k.optimizers.schedules.ExponentialDecay(2**-6, 2, 0.5, staircase=True)
    model.compile(k.optimizers.Adam(rate, beta_1=0.75, beta_2=1 - 2**-6, epsilon=2**-20, clipnorm=0.5), "sparse_categorical_crossentropy")
    return model, [rng.normal(size=(4, 5, 3))], [rng.integers(0, 2, size=(4,)).astype("float64")]


def two():
    """Two outputs with weights; cells on top of each other; a frozen model in the model."""
    inner = k.Sequential([k.Input((6, 2)), L.Dense(3, activation="relu", name="a"), L.Dense(3, name="b")], name="encoder")
    inner.trainable = False
    x = k.Input((6, 2), name="x")
    y = inner(x)
    cells = [L.LSTMCell(3, kernel_regularizer=R.L2(2**-4)), L.GRUCell(2), L.SimpleRNNCell(2, bias_regularizer=R.L2(2**-3))]
    y = L.RNN(cells, return_sequences=True, name="stack")(y)
    a = L.Dense(1, name="first", use_bias=False, bias_regularizer=R.L2(1.0))(y)
    b = L.Dense(2, name="second", kernel_constraint=C.MinMaxNorm(0.2, 0.8, rate=0.5, axis=0))(L.GlobalAveragePooling1D()(y))
    model = k.Model(x, [a, b], name="two")
    decay = {"weight_decay": 2**-6} if of_keras3 else {}
    model.compile(
        k.optimizers.SGD(0.125, momentum=0.875, nesterov=True, clipvalue=0.375, **decay),
        [k.losses.MeanSquaredError(), k.losses.Huber(1.0 if of_keras3 else 0.5)],  # a file of Keras 3 has no delta
        loss_weights=[1.0, 0.25],
    )
    return model, [rng.normal(size=(3, 6, 2))], [rng.normal(size=(3, 6, 1)), rng.normal(size=(3, 2))]


def three():
    """The words that people write."""
    model = k.Sequential([k.Input((4, 2), name="x"), L.SimpleRNN(3, name="body"), L.Dense(1, activation="sigmoid", name="head")])
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    return model, [rng.normal(size=(4, 4, 2))], [rng.integers(0, 2, size=(4, 1)).astype("float64")]


def listed(arrays):
    return [{"shape": list(a.shape), "values": np.asarray(a, "float64").ravel().tolist()} for a in arrays]


def main():
    os.makedirs(here, exist_ok=True)
    cases = json.load(open(cases_file)) if os.path.exists(cases_file) else []
    mark = "k3_" if of_keras3 else "k2_"
    cases = [case for case in cases if not case["id"].startswith(mark)]
    for make in [one, two, three]:
        model, x, y = make()
        for weight in model.weights:
            weight.assign(rng.normal(size=weight.shape) * 0.6)
        name = mark + make.__name__
        files = [name + end for end in ([".keras", ".h5"] if of_keras3 else [".h5"])]
        for file in files:
            model.save(os.path.join(here, file))
        losses = []
        for _ in range(3):
            loss = model.train_on_batch(x, y if len(y) > 1 else y[0])
            losses.append(float(np.ravel(loss)[0]))
        after = name + "_after.h5"
        model.save(os.path.join(here, after), include_optimizer=False)
        case = {"id": name, "files": files, "after": after, "losses": losses, "x": listed(x), "y": listed(y)}
        cases.append(case)
    with open(cases_file, "w") as file:
        json.dump(cases, file, indent=1)


main()
