"""Makes tests/data/out: what real Keras does with the copies that tests/keras/out.rs writes.

    RECURRENT_OUT=folder cargo test --features keras --test keras keras_loads_the_copies
    python tests/data/make_out.py keras folder       keras >= 3 with TensorFlow: the copies k3_* and func_*
    python tests/data/make_out.py tf_keras folder    tf_keras: the copies k2_*

    RECURRENT_OUT=folder cargo test --features torch --test torch torch_loads_the_copies
    python tests/data/make_out.py torch folder       torch: the state dicts

Each copy is loaded with its optimizer, whose variables it has not, computes the calls of its original, and is trained for a
step. The
inputs are those of the original. Used were Keras 3.15.1, tf_keras 2.21.0 and torch 2.15.0.
"""

import glob
import json
import os
import struct
import sys
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["KERAS_BACKEND"] = "tensorflow"

import numpy as np

kind, folder = sys.argv[1:]
tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
here = tests + "/data/out"
os.makedirs(here, exist_ok=True)
cases, tensors = [], {}


def fnv(data):
    total = 0xCBF29CE484222325
    for byte in data:
        total = (total ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return f"{total:016x}"


def state_dict(data):
    """The arrays of a safetensors file."""
    import torch

    length = struct.unpack("<Q", data[:8])[0]
    kinds = {"F16": "float16", "F32": "float32"}
    arrays = {}
    for name, info in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            start, end = (8 + length + at for at in info["data_offsets"])
            array = np.frombuffer(data[start:end], kinds[info["dtype"]]).reshape(info["shape"])
            arrays[name] = torch.from_numpy(array.astype(np.float32))
    return arrays


def torch_modules():
    """What PyTorch computes with the state dicts, in double precision."""
    import torch
    from torch import nn

    def numbers(*shape):
        count = int(np.prod(shape))
        return torch.tensor((np.arange(count) * 37 % 64 / 64 - 0.5).reshape(shape))

    class Anew(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.conv, self.norm = nn.Embedding(7, 4), nn.Conv1d(4, 6, 3), nn.LayerNorm(6)
            self.gru = nn.GRU(6, 5, batch_first=True, bidirectional=True)
            self.head = nn.Linear(10, 2)

        def forward(self, ids):
            x = self.conv(self.table(ids).transpose(1, 2)).transpose(1, 2)
            return self.head(self.gru(self.norm(x))[0])

    found = {}
    cases = {case["id"]: case["config"] for case in json.load(open(tests + "/data/torch/cases.json"))}
    for name in ("u00_lstm_everything", "u06_gru_half", "u08_rnn_relu", "anew"):
        data = open(f"{folder}/{name}.safetensors", "rb").read()
        if name == "anew":
            module, x = Anew(), torch.tensor([[1, 2, 3, 4, 5], [6, 0, 1, 0, 2]])
        else:
            c = cases[name]
            more = {"proj_size": c["proj_size"]} if c["mode"] == "LSTM" else {}
            if c["mode"] == "RNN":
                more["nonlinearity"] = c["nonlinearity"]
            keys = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional")
            more |= {key: c[key] for key in keys}
            module = getattr(nn, c["mode"])(batch_first=True, **more)
            x = numbers(2, 4, c["input_size"])
        module.load_state_dict(state_dict(data))  # strict: every name and shape
        y = module.double()(x)
        y = y if name == "anew" else y[0]
        found[name] = {"fnv": fnv(data), "output": [float(v) for v in y.detach().flatten()]}
        print(name, tuple(y.shape))
    with open(here + "/torch.json", "w") as file:
        json.dump(found, file, indent=1)
        file.write("\n")


def original(name):
    """The case of the original, its tensors, and its path."""
    for family in ("/data/keras_files", "/golden/keras_files"):
        for case in json.load(open(tests + family + "/cases.json")):
            for path in filter(None, case["files"].values()):
                if os.path.basename(path) == name:
                    return case, load_file(tests + family + "/tensors.safetensors"), tests + family + "/" + path
    raise KeyError(name)


def outputs(model, inputs):
    y = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(y) for y in (y if isinstance(y, (list, tuple)) else [y])]


if kind == "torch":
    torch_modules()
    sys.exit()

from safetensors.numpy import load_file, save_file

if kind == "keras":
    import keras as k
else:
    import tf_keras as k

for path in sorted(glob.glob(folder + "/*.keras") + glob.glob(folder + "/*.h5")):
    name = os.path.basename(path)
    if name.startswith("k2_") != (kind == "tf_keras"):
        continue
    case, known, source = original(name)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if name.endswith(".weights.h5"):
            model = k.models.load_model(source.replace(".weights.h5", ".keras"), compile=False)
            before = [w.copy() for w in model.get_weights()]
            model.load_weights(path)
        else:
            # Keras 3 does not find the loss that it named itself in a .h5.
            objects = {"mse": k.losses.mean_squared_error}
            before = k.models.load_model(source, compile=False).get_weights()
            model = k.models.load_model(path, custom_objects=objects)
    changed = [bool((a != b).all()) for a, b in zip(before, model.get_weights()) if a.dtype.kind == "f"]
    assert all(changed), changed
    entry = {"id": name, "fnv": fnv(open(path, "rb").read()), "keras_f32_max_abs_diff": 5e-7, "calls": []}
    entry["written_by"] = f"{k.__name__} {k.__version__}"
    if any("optimizer" in str(w.message) for w in said):
        entry["warning"] = next(str(w.message) for w in said if "optimizer" in str(w.message))
    for i, call in enumerate(case["calls"]):
        inputs = [known[n] for n in call["inputs"]]
        names = {"inputs": [], "outputs": []}
        for what, arrays in (("inputs", inputs), ("outputs", outputs(model, inputs))):
            for j, array in enumerate(arrays):
                names[what].append(f"{name}/call{i}/{what[:-1]}{j}")
                tensors[names[what][-1]] = np.ascontiguousarray(array, dtype=np.float32)
        entry["calls"].append(names)
    if getattr(model, "optimizer", None) is not None:
        # A new optimizer, at step 0, which trains.
        entry["iterations"] = int(model.optimizer.iterations)
        assert entry["iterations"] == 0
        variables = model.optimizer.variables
        slots = [v for v in (variables() if callable(variables) else variables) if "momentum" in v.name or "/m/" in v.name]
        assert all(not np.asarray(v).any() for v in slots)
        model.fit(inputs[0], outputs(model, inputs)[0] + 1, verbose=0)
        assert int(model.optimizer.iterations) == 1
    cases.append(entry)
    print(name, {key: entry[key] for key in ("warning", "iterations") if key in entry})

path = here + "/cases.json"
old = json.load(open(path)) if os.path.exists(path) else []
ids = {case["id"] for case in cases}
kept = [case for case in old if case["id"] not in ids]
old_tensors = load_file(here + "/tensors.safetensors") if old else {}
old_tensors = {n: t for n, t in old_tensors.items() if n.split("/")[0] not in ids}
with open(path, "w") as f:
    json.dump(sorted(kept + cases, key=lambda case: case["id"]), f, indent=1)
save_file({**old_tensors, **tensors}, here + "/tensors.safetensors")
