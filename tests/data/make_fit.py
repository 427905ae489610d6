"""Makes tests/data/fit: what Keras' `fit` and `evaluate` give, epoch by epoch.

    python tests/data/make_fit.py

Used were Keras 3.15.1 with TensorFlow 2.21.0, in float64, without a shuffle. Keras rounds most options to float32, also then: so they
are sums of few powers of two. A case has the file of the model before, that of its weights after, the data and the values of every
epoch.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras as k
import numpy as np

L, M = k.layers, k.metrics
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fit")
os.makedirs(here, exist_ok=True)
k.backend.set_floatx("float64")
rng = np.random.default_rng(20261201)
cases = []


def array(a):
    a = np.asarray(a, "float64")
    return {"shape": list(a.shape), "values": a.ravel().tolist()}


def case(id, layers, x, y, optimizer, loss, epochs=3, validation=None, evaluated=True, compiled={}, **fit):
    k.backend.clear_session()
    model = k.Sequential([k.Input(batch_shape=(fit["batch_size"] if "stateful" in id else None, *x.shape[1:])), *layers])
    for weight in model.weights:
        if weight.name != "seed_generator_state":
            weight.assign(rng.normal(size=weight.shape) * 0.6)
    model.compile(optimizer, loss, **compiled)
    model.save(os.path.join(here, id + ".h5"), include_optimizer=False)
    if validation:
        fit["validation_data"] = validation
    history = model.fit(x, y, epochs=epochs, shuffle=False, verbose=0, **fit).history
    model.save(os.path.join(here, id + "_after.h5"), include_optimizer=False)
    found = model.evaluate(x, y, batch_size=fit["batch_size"], return_dict=True, verbose=0) if evaluated else {}
    cases.append(
        {
            "id": id,
            "x": array(x),
            "y": array(y),
            "validation": [array(a) for a in validation or []],
            "sample_weight": array(fit["sample_weight"]) if "sample_weight" in fit else None,
            "history": history,
            "evaluated": found,
        }
    )


x, y = rng.normal(size=(10, 4, 2)), rng.normal(size=(10, 2))
numbers = ["mean_absolute_error", "mean_squared_error", M.RootMeanSquaredError(name="root_mean_squared_error")]
sgd = lambda rate=0.125, **more: k.optimizers.SGD(rate, **more)
case("split", [L.LSTM(3), L.Dense(2)], x, y, sgd(), "mse", validation_split=0.3, batch_size=3, compiled={"metrics": numbers})

x, labels = rng.normal(size=(9, 5, 2)), rng.integers(0, 4, size=(9, 5)).astype("float64")
for row, length in enumerate([5, 3, 1, 4, 5, 2, 5, 3, 4]):
    x[row, length:] = 0


def in_top_2(y, p):
    """Keras' own is for float32 only."""
    return k.metrics.sparse_top_k_categorical_accuracy(y, k.ops.cast(p, "float32"), 2)


top = [M.SparseCategoricalAccuracy(name="accuracy"), M.MeanMetricWrapper(in_top_2, name="top_k_accuracy")]
weighted = [M.SparseCategoricalAccuracy(name="weighted")]
case(
    "masked",
    [L.Masking(), L.LSTM(3, return_sequences=True), L.Dense(4, activation="softmax")],
    x,
    labels,
    sgd(0.5, momentum=0.5),
    "sparse_categorical_crossentropy",
    validation=(x[:5] * 0.5, labels[:5]),
    batch_size=4,
    sample_weight=rng.uniform(0.5, 2.0, size=(9, 5)),
    compiled={"metrics": top, "weighted_metrics": weighted},
)

x, one = rng.normal(size=(11, 3, 2)), rng.integers(0, 2, size=(11, 1)).astype("float64")
counted = [M.BinaryAccuracy(name="accuracy"), M.Precision(name="precision"), M.Recall(name="recall"), M.F1Score(threshold=0.5, average="micro", name="f1")]
case(
    "early",
    [L.GRU(3), L.Dense(1, activation="sigmoid")],
    x,
    one,
    sgd(1.0, momentum=0.875),
    "binary_crossentropy",
    epochs=12,
    validation=(rng.normal(size=(6, 3, 2)), rng.integers(0, 2, size=(6, 1)).astype("float64")),
    batch_size=4,
    class_weight={0: 1.0, 1: 2.5},
    compiled={"metrics": counted},
    callbacks=[
        k.callbacks.EarlyStopping(patience=3, restore_best_weights=True),
        k.callbacks.ReduceLROnPlateau(factor=0.5, patience=2, min_lr=2**-6),
    ],
)

x, y = rng.normal(size=(8, 4, 2)), rng.normal(size=(8, 1))
averaged = sgd(use_ema=True, ema_momentum=0.75)
case("averaged", [L.SimpleRNN(3), L.Dense(1, kernel_regularizer=k.regularizers.L2(2**-4))], x, y, averaged, "mae", batch_size=3)

series, to_come = rng.normal(size=(2, 12, 1)), rng.normal(size=(2, 12, 1))
windows = lambda a: np.concatenate([a[:, start : start + 4] for start in range(0, 12, 4)])
case(
    "stateful",
    [L.LSTM(3, return_sequences=True, stateful=True), L.Dense(1)],
    windows(series),
    windows(to_come),
    sgd(),
    "mse",
    epochs=1,
    evaluated=False,
    batch_size=2,
)
cases[-1]["x"], cases[-1]["y"] = array(series), array(to_come)

with open(os.path.join(here, "cases.json"), "w") as file:
    json.dump(cases, file, indent=1)
