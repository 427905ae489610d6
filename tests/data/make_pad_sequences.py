"""Makes tests/data/pad_sequences.json: what Keras' `pad_sequences` gives.

    python tests/data/make_pad_sequences.py      (keras 3.15)
"""

import itertools
import json
import os

import numpy as np
from keras.utils import pad_sequences

TOKENS = [[1, 2, 3, 4, 5], [6], [], [7, 8, 9]]
RNG = np.random.default_rng(40)
ARRAYS = [RNG.integers(-9, 10, (len(tokens), 2)).tolist() for tokens in TOKENS if tokens]

cases = []
for maxlen, padding, truncating, value in itertools.product(
    [None, 1, 3, 5, 7], ["pre", "post"], ["pre", "post"], [0.0, -2.5]
):
    options = dict(maxlen=maxlen, padding=padding, truncating=truncating, value=value)
    tokens = pad_sequences(TOKENS, dtype="float32", **options)
    arrays = pad_sequences([np.asarray(a) for a in ARRAYS], dtype="float32", **options)
    cases.append({**options, "tokens": tokens.tolist(), "arrays": arrays.tolist()})

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pad_sequences.json")
with open(path, "w") as file:
    data = {"tokens": TOKENS, "arrays": ARRAYS}
    file.write("{" + json.dumps(data)[1:-1] + ', "cases": [\n')
    file.write(",\n".join(json.dumps(case) for case in cases) + "\n]}\n")
print(len(cases))
