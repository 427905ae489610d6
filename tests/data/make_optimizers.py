"""Optimisers of Keras where the golden family says nothing: variables without a gradient, accumulation with clipping and
a schedule, everything at once, ReduceLROnPlateau, and the defaults. Every option of a case is exact in f32, through which Keras casts some.

    python tests/data/make_optimizers.py        writes tests/data/optimizers.json
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

keras.config.set_floatx("float64")
HERE = os.path.dirname(os.path.abspath(__file__))
SHAPES = {"a": (2, 3), "b": (3,)}


def run(name, optimizer, steps, absent=(), constraint=None):
    """The variable b has no gradient in the steps `absent`."""
    rng = np.random.default_rng([2026, sum(name.encode())])
    numbers = lambda shape: rng.normal(size=shape).astype(np.float32).astype(np.float64)
    variables = {k: keras.Variable(numbers(s), name=k) for k, s in SHAPES.items()}
    if constraint:
        variables["a"].constraint = constraint
    case = {"name": name, "class": type(optimizer).__name__, "steps": []}
    case["initial"] = {k: v.numpy().tolist() for k, v in variables.items()}
    optimizer.build(list(variables.values()))
    for step in range(steps):
        gradients = {k: numbers(s) for k, s in SHAPES.items()}
        if step in absent:
            del gradients["b"]
        given = [None if k not in gradients else keras.ops.convert_to_tensor(gradients[k]) for k in variables]
        optimizer.apply(given)
        after = {k: v.numpy().tolist() for k, v in variables.items()}
        case["steps"].append({"gradients": {k: g.tolist() for k, g in gradients.items()}, "after": after})
    if optimizer.use_ema:
        averages = optimizer._model_variables_moving_average
        case["averages"] = {k: a.numpy().tolist() for k, a in zip(variables, averages)}
    config = optimizer.get_config()
    rate = config.pop("learning_rate")
    case["schedule"] = {"class": rate["class_name"], "config": rate["config"]} if isinstance(rate, dict) else None
    if case["schedule"]:
        case["schedule"]["config"].pop("name", None)
    else:
        config["learning_rate"] = rate
    config.pop("name")
    case["config"] = config
    case["max_norm"] = constraint.max_value if constraint else None
    return case


def plateau(values, rate, **options):
    """The rate after each value."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse")
    callback = keras.callbacks.ReduceLROnPlateau(monitor="loss", **options)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"loss": value})
        rates.append(float(model.optimizer.learning_rate.numpy()))
    return {"values": values, "rate": rate, "options": options, "rates": rates}


O = keras.optimizers
cases = [
    run("adam_absent", O.Adam(0.125, beta_1=0.75, beta_2=0.9375), 6, absent=[0, 1, 2]),
    run("nadam_absent", O.Nadam(0.125, beta_1=0.75, beta_2=0.9375), 6, absent=[0, 3]),
    run("sgd_decay_absent", O.SGD(0.125, momentum=0.5, weight_decay=0.25), 6, absent=[0, 4]),
    run("ema_absent", O.Adam(0.125, beta_1=0.75, beta_2=0.9375, use_ema=True, ema_momentum=0.75), 6, absent=[0, 1]),
    run(
        "accumulated",
        O.AdamW(
            O.schedules.ExponentialDecay(0.25, 2, 0.5),
            weight_decay=0.25,
            beta_1=0.75,
            beta_2=0.9375,
            global_clipnorm=0.5,
            gradient_accumulation_steps=3,
        ),
        9,
    ),
    run("accumulated_clipvalue", O.SGD(0.25, clipvalue=0.25, gradient_accumulation_steps=2), 4),
    run(
        "all_at_once",
        O.RMSprop(0.125, rho=0.75, clipnorm=0.5, weight_decay=0.25, use_ema=True, ema_momentum=0.75, ema_overwrite_frequency=3),
        7,
        constraint=keras.constraints.MaxNorm(0.75),
    ),
]
values = [4.0, 3.0, 3.0, 2.5, 2.75, 2.75, 2.5, 2.5, 2.5, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
plateaus = [
    plateau(values, 1.0, factor=0.5, patience=2),
    plateau(values, 1.0, factor=0.5, patience=2, cooldown=2),
    plateau(values, 1.0, factor=0.25, patience=1, min_lr=0.125, min_delta=0.75),
    plateau([-v for v in values], 1.0, factor=0.5, patience=2, mode="max", min_delta=0.25),
    plateau([4.0, float("nan"), 3.0, float("nan"), float("nan")], 1.0, factor=0.5, patience=2),
    plateau(values, 1.0, factor=0.5, patience=0),
]
classes = "SGD RMSprop Adam AdamW Nadam Adagrad Adadelta Adamax Lion Ftrl".split()
defaults = {name: getattr(O, name)().get_config() for name in classes}
for config in defaults.values():
    del config["name"]
    config["learning_rate"] = float(str(np.float32(config["learning_rate"])))  # a variable, read as f32
text = json.dumps({"cases": cases, "defaults": defaults, "plateaus": plateaus}, separators=(",", ":")).replace("NaN", "null")
with open(os.path.join(HERE, "optimizers.json"), "w") as f:
    f.write(text + "\n")
