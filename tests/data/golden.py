"""What make_torch.py and make_onnx.py share: families of cases in the format of tests/golden."""

import json
import os
import struct

import numpy as np

KINDS = {"float16": "F16", "float32": "F32", "float64": "F64", "uint16": "BF16"}


def safetensors(arrays):
    """The bytes of a file of these arrays; uint16 stands for bfloat16."""
    header, data = {}, b""
    for name, array in arrays.items():
        array = np.asarray(array, order="C")  # that of no axes stays so
        bytes_ = array.tobytes()
        offsets = [len(data), len(data) + len(bytes_)]
        header[name] = {"dtype": KINDS[array.dtype.name], "shape": list(array.shape), "data_offsets": offsets}
        data += bytes_
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


class Family:
    """Cases, their tensors, and the files that belong to them."""

    def __init__(self, name):
        self.folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
        self.cases, self.tensors = [], {}
        os.makedirs(os.path.join(self.folder, "models"), exist_ok=True)

    def tensor(self, case, name, array):
        """Keeps a tensor, and gives back its name."""
        full = f"{case}/{name}"
        self.tensors[full] = np.asarray(array, dtype=np.float32)
        return full

    def output(self, case, key, name, array):
        return {key: name, "tensor": self.tensor(case, name, array), "shape": list(np.shape(array))}

    def file(self, name, bytes_):
        path = f"models/{name}"
        with open(os.path.join(self.folder, path), "wb") as file:
            file.write(bytes_)
        return path

    def save(self):
        with open(os.path.join(self.folder, "tensors.safetensors"), "wb") as file:
            file.write(safetensors(self.tensors))
        with open(os.path.join(self.folder, "cases.json"), "w") as file:
            file.write("[\n" + ",\n".join(json.dumps(case, sort_keys=True) for case in self.cases) + "\n]\n")
        print(self.folder, len(self.cases), "cases")
