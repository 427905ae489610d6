"""Trains the model of `examples/forecast.rs` (Keras 3.15, TensorFlow; about 2 minutes on one core).

    pip install keras==3.15.1 tensorflow-cpu==2.21.0
    pip download --no-deps statsmodels==0.15.0 && unzip statsmodels*.whl 'statsmodels/datasets/sunspots/*'
    KERAS_BACKEND=tensorflow python examples/train/forecast.py    # in the folder of statsmodels

Monthly means of sunspots, 1749 to 2008 (NOAA's National Geophysical Data Center, in the public domain). After every month
the model says the mean of the twelve months to come; it learned that from what was known by the end of 1919. Writes
`sunspots.npz` (the months, and what Keras says after each) and `model.keras` into `examples/data/sunspots`.
"""

import pathlib
import re

import keras
import numpy as np

DATA = pathlib.Path(__file__).parent.parent / "data" / "sunspots"
FIRST, LEARNED, END = 1749, 1920, 2009
BATCH, STEPS, MONTHS, UNITS = 16, 1000, 480, 24


def months():
    """All months from January 1749 to December 2008."""
    text = pathlib.Path("statsmodels/datasets/sunspots/src/sunspots_monthly.dat").read_text()
    rows = [line.split()[1:] for line in text.splitlines() if re.match(r"\d{4} ", line)]
    return np.array([row for row in rows if len(row) == 12], np.float32).ravel()


def scaled(spots):
    """Many spots scatter more than few: their root does not."""
    return np.sqrt(spots) / 10


def coming(spots):
    """After each month the mean of the next twelve, as far as it is known."""
    sums = np.concatenate([[0], np.cumsum(spots, dtype=np.float64)])
    return ((sums[13:] - sums[1:-12]) / 12).astype(np.float32)


def batches(spots, rng):
    x, y = scaled(spots), scaled(coming(spots))
    while True:
        starts = rng.integers(len(y) - MONTHS, size=BATCH)
        noise = rng.normal(0, 0.03, (BATCH, MONTHS))
        height = rng.uniform(0.8, 1.2, (BATCH, 1))  # of another star's cycle, so to say
        past = np.stack([x[start : start + MONTHS] for start in starts]) * height + noise
        future = np.stack([y[start : start + MONTHS] for start in starts]) * height
        known = np.arange(MONTHS) >= 60  # the first years are there to get going
        yield past[..., None], future[..., None], np.broadcast_to(known, (BATCH, MONTHS)).astype(np.float32)


def network(stateful):
    return keras.Sequential(
        [
            keras.Input((None, 1), batch_size=1 if stateful else None, name="months"),
            keras.layers.LSTM(UNITS, return_sequences=True, stateful=stateful, name="memory"),
            keras.layers.Dropout(0.0 if stateful else 0.2, name="dropout"),
            keras.layers.Dense(1, name="next_year"),
        ],
        name="forecast",
    )


def train(spots):
    keras.utils.set_random_seed(1749)
    model = network(stateful=False)
    rate = keras.optimizers.schedules.CosineDecay(0.0, STEPS - 100, warmup_target=0.005, warmup_steps=100)
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), "mse")
    model.fit(batches(spots, np.random.default_rng(1749)), steps_per_epoch=STEPS // 10, epochs=10, verbose=2)
    saved = network(stateful=True)  # it goes on where the last months ended
    saved.set_weights(model.get_weights())
    saved.save(DATA / "model.keras")
    return model


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    spots = months()
    model = train(spots[: 12 * (LEARNED - FIRST)])
    says = model.predict(scaled(spots)[None, :, None], verbose=0)[0, :, 0]
    np.savez_compressed(DATA / "sunspots.npz", months=spots, says=says)
    for name, years in [("learned", range(FIRST + 20, LEARNED)), ("held back", range(LEARNED, END))]:
        # At the end of each year: what the next will be.
        ends = np.array([12 * (year - FIRST) - 1 for year in years])
        truth = coming(spots)[ends]
        last = np.array([spots[end - 11 : end + 1].mean() for end in ends])
        guess = (10 * says[ends].clip(0)) ** 2
        error = lambda guess: np.sqrt(np.mean((guess - truth) ** 2))
        print(f"{name}: rms error {error(guess):.1f}; as the last year {error(last):.1f}")
