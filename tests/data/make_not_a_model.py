"""Makes tests/data/field/not_a_model/: files that lie where somebody expects a model of another format.

    python tests/data/make_not_a_model.py      (torch, numpy)
"""

import gzip
import io
import json
import os
import pickle
import tarfile

import numpy as np
import torch

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "field", "not_a_model")


def write(name, content):
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(content)


os.makedirs(HERE, exist_ok=True)
write("lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1234567\n")
write("page.html", b"<!DOCTYPE html>\n<html><head><title>model.h5</title></head></html>\n")
write("page_without_type.html", b"\n\n  <HTML lang='en'>\n<body>Sign in</body></html>\n")
write("error.xml", b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code></Error>")
write("not_found.txt", b"404: Not Found")
write("config.json", b'{\n  "module": "keras", "class_name": "Sequential"}')
write("model.safetensors.index.json", json.dumps(
    {"metadata": {"total_size": 8}, "weight_map": {"w": "model-00001-of-00001.safetensors"}}, indent=2).encode())
state = {"weight": torch.arange(6.0).reshape(2, 3)}
for name, new in [("state.pt", True), ("state_old.pt", False)]:
    torch.save(state, os.path.join(HERE, name), _use_new_zipfile_serialization=new)
write("arrays.pkl", pickle.dumps({"weight": np.arange(3.0)}))
np.savez(os.path.join(HERE, "arrays.npz"), weight=np.arange(3.0))
np.save(os.path.join(HERE, "array.npy"), np.arange(3.0))
write("model.h5.gz", gzip.compress(b"an archive", mtime=0))
buffer = io.BytesIO()
with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
    tar.addfile(tarfile.TarInfo("empty"))
write("model.tar", buffer.getvalue()[:1024])
# What formats begin with whose programs are large: the field of a SavedModel's version and its first graph, the
# identifier of a flat buffer, the head of llama.cpp.
write("saved_model.pb", b"\x08\x01\x12\x10\x0a\x0e\x1a\x05serve*\x052.15.0")
write("model.tflite", b"\x1c\0\0\0TFL3" + bytes(16))
write("model.gguf", b"GGUF\x03\0\0\0" + bytes(16))
