"""Derives another set of golden data from tests/golden: the same format, but nothing of it as the tests know it.

    python3 tests/data/other_golden.py FOLDER [FAMILY...]
    RECURRENT_GOLDEN=FOLDER cargo test --all-features --test golden --test keras --test onnx --test torch --test training

Every fourth case is left out. The rest have other ids, another order, other file names, more keys that only describe them,
and, where the format allows it, fewer outputs and fewer files. The numbers stay. With names of families, only those are
written. Python's standard library is enough.
"""

import json
import shutil
import struct
import sys
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
FAMILIES = ["article", "keras_layers", "wrappers", "keras_files", "torch", "onnx", "gradients", "adversarial"]
FAMILIES += ["layer_gradients", "dropout", "losses", "optimizers", "training_runs"]
FORMS = ["keras", "h5", "weights_h5"]


def read_tensors(path):
    """The tensors of a safetensors file: their headers, and their bytes."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    return {
        name: (about["dtype"], about["shape"], data[8 + length :][slice(*about["data_offsets"])])
        for name, about in header.items()
    }


def write_tensors(path, tensors):
    """Widest numbers first, which keeps them all aligned."""
    header, chunks, at = {}, [], 0
    for name, (dtype, shape, data) in sorted(tensors.items(), key=lambda item: (item[1][0] != "F64", item[0])):
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        chunks.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(chunks))


def renamed(value, rename):
    """The value, with every text and every key of it renamed."""
    if isinstance(value, str):
        return rename(value)
    if isinstance(value, list):
        return [renamed(item, rename) for item in value]
    if isinstance(value, dict):
        # A key that is a word like an id stays; the names of tensors have a slash.
        return {rename(key) if "/" in key else key: renamed(item, rename) for key, item in value.items()}
    return value


def with_less(family, case, n):
    """Leaves out what a case need not hold: by turns another part."""
    if family == "onnx":
        held = [["Y"], ["Y_h"], ["Y", "Y_h"], ["Y", "Y_h", "Y_c"]][n % 4]
        case["outputs"] = [output for output in case["outputs"] if output["name"] in held]
    if family == "torch" and n % 2:
        case["state_dict"] = None
    if family == "keras_files":
        files = {form: case["files"].get(form) for form in FORMS}
        missing = [["keras"], ["h5"], ["weights_h5"], [], ["keras", "h5"]][n % 5]
        fewer = {form: None if form in missing else file for form, file in files.items()}
        case["files"] = fewer if any(fewer.values()) else files
        del case["written_by"]


def other_family(family, to):
    cases = json.loads((GOLDEN / family / "cases.json").read_text())
    source = GOLDEN / family / "tensors.safetensors"
    tensors = read_tensors(source) if source.exists() else {}
    kept, others = {}, []
    for n, case in enumerate(cases):
        if n % 4 == 3:
            continue
        with_less(family, case, len(others))
        name = f"{len(others):03}-of-another-{family}"

        def rename(text, old=case["id"], name=name):
            if text == old:
                return name
            if text.startswith(f"{old}/"):
                new = name + text[len(old) :]
                if text in tensors:
                    kept[new] = tensors[text]
                return new
            file = GOLDEN / family / text
            if text and "\n" not in text and len(text) < 200 and file.is_file():
                new = f"moved/{name}.{file.name.split('.', 1)[1]}"
                target = to / family / new
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
                return new
            return text

        other = {"comment": "derived from another set", "source": {"by": ["a script"], "seeds": {"data": n}}, "rank": n}
        others.append(other | renamed(case, rename))
    others = others[1::2] + others[::2]
    folder = to / family
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cases.json").write_text(json.dumps(others, indent=1))
    if tensors:
        write_tensors(folder / "tensors.safetensors", kept)
    return len(others)


def main():
    to, families = Path(sys.argv[1]), sys.argv[2:] or FAMILIES
    to.mkdir(parents=True)  # a new folder: nothing that is there is touched
    print(", ".join(f"{other_family(family, to)} cases of {family}" for family in families))


main()
