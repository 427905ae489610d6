"""Trains the model of `examples/ocr_ctc.rs` (Keras 3.15, TensorFlow; some minutes on one core).

    pip install keras==3.15.1 tensorflow
    KERAS_BACKEND=tensorflow python examples/train/ocr_ctc.py

Reads `examples/data/ocr/digits.npz` and writes `model.keras` beside it. Where the digits came from: `export` below (it
needs scikit-learn) and the NOTICE there. Every fifth digit is held back: no line below has it.
"""

import pathlib
import sys

import numpy as np

DATA = pathlib.Path(__file__).parent.parent / "data" / "ocr"
STEPS, BATCH, UNITS = 2500, 64, 64
PADDING = -1.0  # no column of a picture is that dark; an empty one is 0


def export():
    """Writes the digits once: `python examples/train/ocr_ctc.py export`."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    np.savez_compressed(
        DATA / "digits.npz",
        images=digits.images.astype(np.uint8),
        targets=digits.target.astype(np.uint8),
    )


def glyphs():
    """The digits for training: columns of 8 rows from 0 to 1, without the empty columns at both sides."""
    with np.load(DATA / "digits.npz") as file:
        images, targets = file["images"], file["targets"]
    kept = []
    for at, (image, target) in enumerate(zip(images, targets)):
        if at % 5 == 4:
            continue
        ink = np.flatnonzero(image.any(axis=0))
        columns = image.T[ink[0] : ink[-1] + 1].astype(np.float32) / 16
        kept.append((columns, int(target)))
    return kept


def batch(glyphs, rng):
    """Lines of 5 to 12 digits, one to three empty columns between them, and what they say.

    In front of the labels stand their count and that of the columns: the loss has to know them.
    """
    lines, labels = [], []
    for _ in range(BATCH):
        parts, said = [np.zeros((rng.integers(1, 4), 8), np.float32)], []
        for at in rng.integers(len(glyphs), size=rng.integers(5, 13)):
            columns, target = glyphs[at]
            # Other hands write a little higher or lower, fainter, and less evenly.
            columns = np.roll(columns, rng.choice([-1, 0, 0, 1]), axis=1)
            strokes = columns * rng.uniform(0.8, 1.1) + rng.normal(0, 0.12, columns.shape) * (columns > 0)
            parts.append(np.clip(strokes, 0, 1).astype(np.float32))
            parts.append(np.zeros((rng.integers(1, 4), 8), np.float32))
            said.append(1 + target)  # 0 is the blank
        lines.append(np.concatenate(parts))
        labels.append(said)
    x = np.full((BATCH, max(map(len, lines)), 8), PADDING, np.float32)
    y = np.zeros((BATCH, 2 + 12), np.int32)
    for i, (line, said) in enumerate(zip(lines, labels)):
        x[i, : len(line)] = line
        y[i, : 2 + len(said)] = [len(said), len(line), *said]
    return x, y


def train():
    import keras

    keras.utils.set_random_seed(2024)
    layers = [
        keras.Input((None, 8), name="columns"),
        keras.layers.Masking(PADDING, name="padding"),
        keras.layers.Bidirectional(keras.layers.LSTM(UNITS, return_sequences=True), name="reader"),
        keras.layers.Dropout(0.3, name="dropout"),
        keras.layers.Dense(11, name="scores"),
    ]

    class Learner(keras.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            y = keras.ops.cast(y, "int32")
            return keras.ops.mean(keras.ops.ctc_loss(y[:, 2:], y_pred, y[:, 0], y[:, 1], mask_index=0))

    model = Learner(layers)
    rate = keras.optimizers.schedules.CosineDecay(0.0, STEPS - 100, warmup_target=0.01, warmup_steps=100)
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0))
    model.summary()
    known, rng = glyphs(), np.random.default_rng(2024)
    for step in range(1, STEPS + 1):
        loss = model.train_on_batch(*batch(known, rng))
        if step % 50 == 0:
            print(f"step {step:5}  mean loss of a line so far {loss:.3f}", flush=True)
            model.reset_metrics()
    # Without what belongs to training.
    keras.Sequential(layers, name="ocr").save(DATA / "model.keras")


if __name__ == "__main__":
    export() if sys.argv[1:] == ["export"] else train()
