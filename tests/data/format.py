"""Makes tests/data/format/: files that h5py and numpy write, and what they read from them.

    python tests/data/format.py      (numpy, h5py)

Each file gets a listing FILE.json: for every array its shape, kind, and the sum and last value of its numbers; for every
attribute of text its strings. What is random has a seed; some files hold the time as well.
"""

import io
import json
import os
import sys

import h5py
import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "format")
RNG = np.random.default_rng(20)


def numbers(shape, dtype):
    kind = np.dtype(dtype).kind
    if kind == "b":
        return RNG.random(shape) < 0.5
    if kind in "iu":
        info = np.iinfo(dtype)
        return RNG.integers(max(info.min, -(2**40)), min(info.max, 2**40), shape).astype(dtype)
    return RNG.standard_normal(shape).astype(dtype)


def kind_of(dtype):
    return np.dtype(dtype).newbyteorder("=").name


def describe(array):
    values = np.asarray(array).astype(np.float64)
    last = float(values.reshape(-1)[-1]) if values.size else None
    return {
        "shape": list(array.shape),
        "kind": kind_of(array.dtype),
        "sum": float(values.sum()),
        "last": last,
    }


def strings(value):
    value = np.asarray(value)
    if value.dtype.kind not in "SUO":
        return None
    return [s.decode() if isinstance(s, bytes) else str(s) for s in value.reshape(-1)]


def list_h5(path):
    """Every array and every attribute of text that h5py finds."""
    listing = {"arrays": {}, "attributes": {}}
    with h5py.File(path, "r") as f:
        def visit(name, item):
            for key, value in item.attrs.items():
                texts = strings(value)
                if texts is not None:
                    listing["attributes"][f"{name}@{key}"] = texts
            if isinstance(item, h5py.Dataset):
                listing["arrays"][name] = describe(item[()])
        visit("/", f)
        f.visititems(lambda name, item: visit("/" + name, item))
    return listing


def list_npz(path):
    with np.load(path) as f:
        return {"arrays": {name: describe(f[name]) for name in f.files}}


DTYPES = ["f2", "<f4", ">f4", "<f8", ">f8", "i1", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8", "u1", "<u4", ">u8", "?"]


def kinds(f):
    """All kinds of numbers, contiguous."""
    for dtype in DTYPES:
        name = dtype.replace("<", "little_").replace(">", "big_").replace("?", "bool")
        f[f"kinds/{name}"] = numbers((3, 5), dtype)
    f["kinds/scalar"] = np.float32(2.5)
    f["kinds/empty"] = np.zeros((0, 4), "f4")


def layouts(f):
    """All layouts and filters."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((4, 6))
    data = numbers((4, 6), "f4")
    compact = h5py.h5d.create(f.id, b"compact", h5py.h5t.IEEE_F32LE, space, plist)
    compact.write(h5py.h5s.ALL, h5py.h5s.ALL, data)
    make = f.create_group("chunked").create_dataset
    make("plain", data=numbers((10, 13), "f4"), chunks=(4, 5))
    make("gzip", data=numbers((10, 13), "f4"), chunks=(4, 5), compression="gzip")
    make("shuffle", data=numbers((10, 13), "f8"), chunks=(4, 13), compression="gzip", shuffle=True)
    make("lzf", data=numbers((30, 13), "i4") % 5, chunks=(7, 13), compression="lzf", shuffle=True)
    make("fletcher", data=numbers((9, 3, 2), "f2"), chunks=(2, 2, 2), fletcher32=True, compression="gzip")
    make("fletcher_only", data=numbers((9, 3), "f4"), chunks=(9, 2), fletcher32=True)
    make("one", data=numbers((6, 4), "f4"), chunks=(6, 4))
    make("one_gzip", data=numbers((6, 4), "f4"), chunks=(6, 4), compression="gzip")
    make("line", data=numbers((100,), ">f4"), chunks=(7,), compression="gzip")
    make("many", data=numbers((3000,), "f4"), chunks=(2,))
    make("growing", data=numbers((9, 7), "f4"), maxshape=(None, None), chunks=(2, 3), compression="gzip")
    make("growing_plain", data=numbers((9, 70), "f4"), maxshape=(None, None), chunks=(2, 3))


def texts(f):
    """Attributes of all the kinds that Keras of any age wrote."""
    f.attrs["keras_version"] = "3.15.1"
    f.attrs["backend"] = np.bytes_("tensorflow")
    f.attrs["names"] = ["kernel", "recurrent_kernel", "bias", "größe"]
    f.attrs["fixed"] = np.array([b"kernel:0", b"bias:0", b"k"])
    f.attrs["none"] = np.array([], dtype="S1")
    f.attrs["empty"] = ""
    f.attrs["number"] = 7
    g = f.create_group("split")
    for i in range(12):
        g.attrs[f"weight_names{i}"] = np.array([f"part{i}/kernel:0".encode(), f"part{i}/bias:0".encode()])
    f.attrs["model_config"] = json.dumps({"layers": ["lstm"] * 2000})


def groups(f):
    """A group of enough links for trees of three levels, a deep one, a group under two names, and a cycle."""
    f["value"] = numbers((3,), "f4")
    wide = f.create_group("wide")
    for i in range(1500):
        wide[f"link_{i}"] = f["value"]
    deep = f
    for i in range(20):
        deep = deep.create_group(f"level_{i}")
    deep["value"] = numbers((2,), "f4")
    f["again"] = f["level_0"]
    f["level_0/up"] = f["/"]


def write_h5():
    for name, fill in [("kinds", kinds), ("layouts", layouts), ("texts", texts), ("groups", groups)]:
        for libver in ["earliest", "v110", "latest"]:
            path = os.path.join(HERE, f"{name}_{libver}.h5")
            bounds = (libver, libver) if libver == "v110" else libver
            with h5py.File(path, "w", libver=bounds) as f:
                fill(f)
            yield path
    path = os.path.join(HERE, "texts_dense.h5")
    with h5py.File(path, "w", libver="latest") as f:
        for i in range(300):
            f.attrs[f"names{i:03}"] = [f"layer_{i}/kernel", "x" * (i * 10 % 300)]
        # Larger than a block of the heap takes.
        f.attrs["long"] = np.array([b"y" * 40, b"z" * 40] * 1000)
        f.attrs["longer"] = np.bytes_("t" * 70_000)
    yield path
    path = os.path.join(HERE, "user_block.h5")
    with h5py.File(path, "w", userblock_size=1024) as f:
        f["kernel"] = numbers((3, 4), "f4")
    yield path
    path = os.path.join(HERE, "track_order.h5")
    with h5py.File(path, "w", track_order=True) as f:
        for name in ["z", "a", "k"]:
            f[name] = numbers((3,), "f4")
        for i in range(40):
            f[f"dense/n{i}"] = numbers((2,), "f8")
        f.attrs["first"] = "1"
    yield path


def write_npz():
    arrays = {}
    for dtype in DTYPES:
        name = dtype.replace("<", "little_").replace(">", "big_").replace("?", "bool")
        arrays[name] = numbers((4, 3), dtype)
    arrays["fortran"] = np.asfortranarray(numbers((3, 4, 2), "f4"))
    arrays["scalar"] = np.float64(1.5)
    arrays["empty"] = np.zeros((0, 3), "f4")
    arrays["line"] = numbers((7,), "f4")
    for name, save in [("stored", np.savez), ("deflated", np.savez_compressed)]:
        path = os.path.join(HERE, f"{name}.npz")
        save(path, **arrays)
        yield path
    # Versions 2 and 3 of the header.
    path = os.path.join(HERE, "versions.npz")
    import zipfile
    with zipfile.ZipFile(path, "w") as archive:
        for version in [(1, 0), (2, 0), (3, 0)]:
            out = io.BytesIO()
            np.lib.format.write_array(out, numbers((2, 3), "f4"), version=version)
            info = zipfile.ZipInfo(f"version{version[0]}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(info, out.getvalue())
    yield path


def write_hostile():
    """Files that ask for more than they hold, or point out of themselves; no listings."""
    where = os.path.join(HERE, "hostile")
    os.makedirs(where, exist_ok=True)
    new = lambda name: h5py.File(os.path.join(where, name), "w")
    with new("no_chunks.h5") as f:
        f.create_dataset("k", shape=(200_000, 200_000), dtype="f4", chunks=(1000, 1000))
    with new("never_written.h5") as f:
        f.create_dataset("k", shape=(1 << 40,), dtype="f4")
    with new("bomb.h5") as f:
        f.create_dataset("k", data=np.zeros(1 << 24, "f4"), chunks=(1 << 20,), compression="gzip", compression_opts=9)
    with new("large_chunk.h5") as f:
        f.create_dataset("k", data=np.zeros(10, "f4"), maxshape=(None,), chunks=(1 << 24,), compression="gzip")
    with new("links_out.h5") as f:
        f["soft"] = h5py.SoftLink("/k")
        f["external"] = h5py.ExternalLink("/etc/hostname", "/k")
        f.create_dataset("storage", (4,), "u1", external=[("/etc/hostname", 0, 4)])
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "k", (4,))
        f.create_virtual_dataset("virtual", layout)
        f["strings"] = ["a", "b"]
        f["compound"] = np.zeros(2, [("a", "f4"), ("b", "i4")])
        f["complex"] = np.zeros(2, "c8")
        f["type"] = np.dtype("f4")
        f.create_dataset("committed", data=np.zeros(3, "f4"), dtype=f["type"])
    # All strings of a list are made to point at the first one, which is long.
    path = os.path.join(where, "one_string.h5")
    with h5py.File(path, "w") as f:
        f.attrs["names"] = ["x" * 60_000] + ["y"] * 3000
    with open(path, "rb") as f:
        data = bytearray(f.read())
    at = next(i for i in range(len(data)) if data[i : i + 4] == (60_000).to_bytes(4, "little")
              and data[int.from_bytes(data[i + 4 : i + 12], "little") :][:4] == b"GCOL")
    data[at : at + 16 * 3001] = data[at : at + 16] * 3001
    with open(path, "wb") as f:
        f.write(data)


def main():
    os.makedirs(HERE, exist_ok=True)
    write_hostile()
    for path in write_h5():
        save(path, list_h5(path))
    for path in write_npz():
        save(path, list_npz(path))
    # Listings of files that others wrote: python tests/data/format.py FILE.h5 ...
    for path in sys.argv[1:]:
        print(path, json.dumps(list_h5(path)))


def save(path, listing):
    with open(path + ".json", "w") as f:
        json.dump(listing, f, indent=0, sort_keys=True, ensure_ascii=False)
        f.write("\n")


if __name__ == "__main__":
    main()
