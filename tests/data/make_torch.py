"""Makes tests/data/torch/: what tests/golden/torch lacks, in its format.

    python tests/data/make_torch.py      (torch, numpy)

Weights and inputs are f32; the outputs are those of a float64 run, rounded.
"""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import golden

FAMILY = golden.Family("torch")


def run(module, x, state, lengths, batch_first):
    if lengths is not None:
        packed = pack_padded_sequence(x, lengths, batch_first=batch_first, enforce_sorted=False)
        packed, state = module(packed, state)
        time = x.shape[1] if batch_first else x.shape[0]
        return pad_packed_sequence(packed, batch_first=batch_first, total_length=time)[0], state
    return module(x, state)


def run_cell(cell, x, state):
    """A cell over (time, samples, features), as a module of one layer returns it."""
    is_lstm = isinstance(cell, nn.LSTMCell)
    state = None if state is None else tuple(s[0] for s in state) if is_lstm else state[0]
    outputs = []
    for x_t in x:
        state = cell(x_t, state)
        outputs.append(state[0] if is_lstm else state)
    state = tuple(s[None] for s in state) if is_lstm else state[None]
    return torch.stack(outputs), state


class WeightDrop(nn.Module):
    """The wrapper of AWD-LSTM in use, which drops nothing: the weight is the raw one. The wrapper of fastai 1 has that in
    itself, and beside it the module keeps one that was dropped in training; that of Salesforce has it in the module."""

    def __init__(self, module, names, inside):
        super().__init__()
        self.module, self.names, self.inside = module, names, inside
        for name in names:
            raw = nn.Parameter(getattr(module, name).data.clone())
            (module if inside else self).register_parameter(name + "_raw", raw)
            if inside:
                del module._parameters[name]

    def forward(self, *inputs):
        kept = {}
        for name in self.names:
            kept[name] = self.module._parameters.get(name)
            raw = getattr(self.module if self.inside else self, name + "_raw")
            setattr(self.module, name, nn.Parameter(raw.data))
        outputs = self.module(*inputs)
        for name, parameter in kept.items():
            if parameter is None:
                del self.module._parameters[name]
            else:
                setattr(self.module, name, parameter)
        return outputs


def old_norm(*names, dim=0):
    def wrap(module):
        for name in names:
            module = nn.utils.weight_norm(module, name, dim=dim)
        return module
    return wrap


def new_norm(*names, dim=0):
    def wrap(module):
        for name in names:
            module = nn.utils.parametrizations.weight_norm(module, name, dim=dim)
        return module
    return wrap


def add(name, mode, input_size, hidden_size, time=5, samples=3, lengths=None, state=False, unbatched=False, kind=None,
        cell=False, dropout=0.0, wrap=None, **options):
    torch.manual_seed(len(FAMILY.cases) + 100)
    case = f"u{len(FAMILY.cases):02}_{name}"
    config = {"mode": mode, "input_size": input_size, "hidden_size": hidden_size, "num_layers": 1, "bias": True,
              "batch_first": False, "bidirectional": False, "proj_size": 0, "nonlinearity": None} | options
    if mode == "RNN":
        config["nonlinearity"] = config["nonlinearity"] or "tanh"
    if cell:
        more = {"nonlinearity": config["nonlinearity"]} if mode == "RNN" else {}
        module = getattr(nn, mode + "Cell")(input_size, hidden_size, bias=config["bias"], **more)
    else:
        given = {k: v for k, v in config.items() if k != "mode" and v is not None}
        if mode != "LSTM":
            del given["proj_size"]
        module = getattr(nn, mode)(dropout=dropout, **given)
    if wrap is not None:
        module = wrap(module)
    module.eval()
    stored = {}
    with torch.no_grad():
        for key, value in module.state_dict().items():
            value.copy_(torch.randn(value.shape) * 0.4)
            if kind is not None:
                value.copy_(value.to(kind))
            array = value.to(kind or torch.float32)
            stored[key] = array.view(torch.uint16).numpy() if kind is torch.bfloat16 else array.numpy()
        layers = config["num_layers"] * (2 if config["bidirectional"] else 1)
        size = config["proj_size"] or hidden_size
        x_shape = (samples, time, input_size) if config["batch_first"] else (time, samples, input_size)
        shapes = [(layers, samples, size), (layers, samples, hidden_size)][: 2 if mode == "LSTM" else 1]
        if unbatched:
            x_shape = (time, input_size)
            shapes = [(s[0], s[2]) for s in shapes]
        x = torch.randn(x_shape)
        initial = [torch.randn(shape) for shape in shapes] if state else None

        def call(dtype):
            m, inputs = module.to(dtype), x.to(dtype)
            start = None
            if initial is not None:
                start = tuple(s.to(dtype) for s in initial)
                start = start if mode == "LSTM" else start[0]
            output, end = run_cell(m, inputs, start) if cell else run(m, inputs, start, lengths, config["batch_first"])
            return [output, *end] if mode == "LSTM" else [output, end]

        exact, single = call(torch.float64), call(torch.float32)
    difference = max(float((a - b.double()).abs().max()) for a, b in zip(exact, single))
    FAMILY.cases.append({
        "id": case, "cell": mode, "config": config, "unbatched": unbatched, "lengths": lengths,
        "weights": {key: FAMILY.tensor(case, key, value.to(torch.float32).numpy())
                    for key, value in module.state_dict().items()},
        "state_dict": FAMILY.file(f"{case}.safetensors", golden.safetensors(stored)),
        "x": FAMILY.tensor(case, "x", x.numpy()),
        "initial_state": None if initial is None else
        [{"role": role, "tensor": FAMILY.tensor(case, role, value.numpy())} for role, value in zip(["h0", "c0"], initial)],
        "outputs": [FAMILY.output(case, "role", role, value.numpy())
                    for role, value in zip(["output", "hn", "cn"], exact)],
        "torch_f32_max_abs_diff": difference,
    })


add("lstm_everything", "LSTM", 3, 5, num_layers=3, bidirectional=True, proj_size=2, batch_first=True,
    lengths=[2, 5, 4], state=True)
add("lstm_projected", "LSTM", 2, 4, num_layers=2, proj_size=3, bias=False, unbatched=True, state=True)
add("lstm_dropout", "LSTM", 3, 4, num_layers=2, dropout=0.5, batch_first=True)
add("lstm_padded", "LSTM", 3, 4, num_layers=2, bidirectional=True, lengths=[5, 1, 3], state=True)
add("gru_padded", "GRU", 3, 4, num_layers=3, bidirectional=True, bias=False, lengths=[4, 5, 1])
add("gru_unbatched", "GRU", 3, 4, bidirectional=True, unbatched=True, state=True)
add("gru_half", "GRU", 3, 4, kind=torch.float16)
add("lstm_bfloat", "LSTM", 3, 4, kind=torch.bfloat16)
add("rnn_relu", "RNN", 3, 4, num_layers=2, bidirectional=True, nonlinearity="relu", batch_first=True, lengths=[3, 4, 5])
add("rnn_padded", "RNN", 2, 9, num_layers=12, lengths=[5, 2, 4], state=True)
add("lstm_cell", "LSTM", 3, 4, cell=True, state=True)
add("gru_cell", "GRU", 3, 4, cell=True, bias=False)
add("rnn_cell", "RNN", 3, 4, cell=True, nonlinearity="relu", state=True)
add("lstm_weight_norm", "LSTM", 3, 4, num_layers=2, bidirectional=True, batch_first=True, lengths=[5, 2, 4],
    wrap=old_norm("weight_hh_l0", "weight_ih_l0", "weight_hh_l1_reverse"))
add("gru_weight_norm", "GRU", 3, 4, state=True, wrap=old_norm("weight_hh_l0", "weight_ih_l0", "bias_ih_l0"))
add("lstm_norm_of_columns", "LSTM", 3, 4, wrap=old_norm("weight_hh_l0", dim=1))
add("lstm_norm_of_all", "LSTM", 3, 4, wrap=old_norm("weight_hh_l0", "weight_ih_l0", dim=None))
add("lstm_parametrized", "LSTM", 3, 4, proj_size=2, wrap=new_norm("weight_hh_l0", "weight_ih_l0", "weight_hr_l0"))
add("gru_parametrized", "GRU", 3, 4, bidirectional=True, wrap=new_norm("weight_ih_l0", "weight_ih_l0_reverse", dim=1))
add("rnn_cell_parametrized", "RNN", 3, 4, cell=True, wrap=new_norm("weight_hh"))
add("lstm_dropped", "LSTM", 3, 4, batch_first=True, wrap=lambda m: WeightDrop(m, ["weight_hh_l0"], False))
add("lstm_dropped_inside", "LSTM", 3, 4, bidirectional=True,
    wrap=lambda m: WeightDrop(m, ["weight_hh_l0", "weight_hh_l0_reverse"], True))
FAMILY.save()
