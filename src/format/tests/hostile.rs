//! Files that lie: the golden ones, and every file of ours cut at every length and changed in every byte.

use super::memory::peak;
use super::support::{files, json, read, read_all, says};
use crate::Limits;
use crate::format::hdf5::File;
use crate::format::zip::{Archive, Writer};
use crate::format::{Arrays, Result, json as text, npz, onnx, safetensors};
use alloc::vec::Vec;
use std::format;
use std::time::{Duration, Instant};

/// What reading a small file may take, beside 16 times its size.
const MEMORY: usize = 32 << 20;
/// On a machine that does other things as well.
const TIME: Duration = Duration::from_secs(5);

/// Reads everything that is in a file, by its name.
fn read_file(name: &str, bytes: &[u8], limits: &Limits) -> Result<f64> {
    let (_, extension) = name.rsplit_once('.').unwrap();
    match extension {
        "keras" => {
            let archive = Archive::open(bytes, limits)?;
            text::parse(&archive.text("config.json")?, "config.json", limits)?;
            read_hdf5(&archive.read("model.weights.h5")?, limits)
        }
        "h5" => read_hdf5(bytes, limits),
        "npz" => read_all(&npz::File::open(bytes, limits)?),
        "onnx" => {
            let model = onnx::Model::open(bytes.into(), limits)?;
            read_all(&onnx::Initializers {
                graph: &model.graph,
                source: onnx::Source {
                    bytes: bytes.into(),
                    beside: &onnx::Alone,
                },
            })
        }
        "safetensors" => read_all(&safetensors::File::open(bytes, limits)?),
        other => panic!("what is {other}?"),
    }
}

/// Groups, attributes and arrays.
fn read_hdf5(bytes: &[u8], limits: &Limits) -> Result<f64> {
    let file = File::open(bytes, limits)?;
    let mut first: Result<()> = Ok(());
    let mut keep = |result: Result<()>| {
        if first.is_ok() {
            first = result;
        }
    };
    file.walk(|object| {
        for name in object.attributes()? {
            let attribute = object.attribute(name)?.unwrap();
            // Numbers are no strings, and the other way round: only one of them is an error.
            let numbers = || attribute.tensor()?.read::<f32>().map(drop);
            let texts = attribute.texts().map(drop);
            keep(texts.or_else(|error| numbers().map_err(|_| error)));
        }
        Ok(())
    })?;
    first?;
    read_all(&file)
}

/// Reads a file within the bounds of memory and time.
#[track_caller]
fn bounded(name: &str, bytes: &[u8], limits: &Limits) -> Result<f64> {
    let start = Instant::now();
    let (memory, result) = peak(|| read_file(name, bytes, limits));
    let time = start.elapsed();
    assert!(time < TIME, "{name}: {time:?}");
    let most = MEMORY + 16 * bytes.len();
    assert!(
        memory < most,
        "{name}: {memory} bytes of memory for {} bytes",
        bytes.len()
    );
    result
}

#[test]
fn golden_files_that_lie() {
    // What is wrong in them is none of the format's business: names, shapes, configurations.
    let sound = [
        "activation_",
        "layer_unknown",
        "layers_repeated",
        "units_",
        "zip_traversal.",
        "missing_dataset",
        "wrong_shape",
        "transposed",
        "no_model_config",
        "model_config_broken",
        "weight_names_wrong",
        "activations_too_few",
        "direction_unknown",
        "hidden_absurd",
        "weights_missing",
        "nan",
        "external_link",
    ];
    let mut refused = 0;
    for case in json("golden/adversarial/cases.json").as_array().unwrap() {
        let name = case["file"].as_str().unwrap();
        let bytes = read(&format!("golden/adversarial/{name}"));
        let result = bounded(name, &bytes, &Limits::default());
        if sound.iter().any(|sound| name.starts_with(sound)) {
            let sum = result.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(sum.is_nan(), name.starts_with("nan"), "{name}");
        } else if case["expect"] == "error" {
            result.expect_err(name);
            refused += 1;
        }
    }
    assert!(refused >= 30, "{refused}");
}

#[test]
fn errors_name_the_part_and_what_is_in_it() {
    let limits = Limits::default();
    for (name, words) in [
        (
            "truncated_1.weights.h5",
            &["HDF5 superblock", "7550 bytes", "15100"][..],
        ),
        ("huge_dataspace.weights.h5", &["vars/0", "[2147483648, 16]"]),
        (
            "string_dataset.weights.h5",
            &["vars/0", "an array of numbers"],
        ),
        (
            "zip_bomb_config.keras",
            &["config.json", "100000000 bytes", "16777216"],
        ),
        ("zip_size_lies.keras", &["model.weights.h5", "4294967294"]),
        ("zip_duplicate.keras", &["two of \"config.json\""]),
        (
            "zip_traversal_weights.keras",
            &["a member \"model.weights.h5\"", "none"],
        ),
        (
            "config_deep.keras",
            &["config.json", "nested at most 64 deep"],
        ),
        ("config_not_utf8.keras", &["config.json", "UTF-8"]),
        ("empty.keras", &["end record of a zip archive"]),
        (
            "offsets_overlap.safetensors",
            &["safetensors file", "a sound header"],
        ),
        (
            "header_len_huge.safetensors",
            &["bytes of no known format", "expected a safetensors file"],
        ),
        (
            "dims_negative.onnx",
            &["R: found -4", "axes of at least 0", "-"],
        ),
        ("varint_endless.onnx", &["a number of at most 64 bits"]),
    ] {
        says(
            read_file(name, &read(&format!("golden/adversarial/{name}")), &limits),
            words,
        );
    }
    let bytes = read("golden/adversarial/external_link.weights.h5");
    let file = File::open(&bytes, &limits).unwrap();
    let found = file.tensor("/layers/lstm/cell/vars/0").map(drop);
    says(
        found,
        &["/layers/lstm/cell/vars/0", "a hard link", "external link"],
    );
}

#[test]
fn hdf5_that_asks_for_more_than_it_holds() {
    let mut limits = Limits::default();
    let hostile = |name: &str, limits: &Limits| {
        let name = format!("data/format/hostile/{name}");
        bounded(&name, &read(&name), limits)
    };
    says(
        hostile("no_chunks.h5", &limits),
        &["/k", "40000 chunks", "room for at most"],
    );
    says(
        hostile("never_written.h5", &limits),
        &["/k", "4398046511104 bytes", "none written"],
    );
    says(
        hostile("large_chunk.h5", &limits),
        &["/k", "not much larger", "[16777216]", "[10]"],
    );
    hostile("one_string.h5", &limits).unwrap();
    limits.inflated_bytes = 8 << 20;
    says(
        hostile("bomb.h5", &limits),
        &["/k", "bytes of arrays", "at most"],
    );
}

#[test]
fn hdf5_that_points_elsewhere() {
    let bytes = read("data/format/hostile/links_out.h5");
    let file = File::open(&bytes, &Limits::default()).unwrap();
    for (name, words) in [
        ("soft", &["/soft", "a hard link", "a soft link"][..]),
        ("external", &["/external", "a hard link", "external link"]),
        ("storage", &["/storage", "in this file", "in other files"]),
        ("virtual", &["/virtual", "of this file", "a virtual one"]),
        ("strings", &["/strings", "numbers", "strings"]),
        ("compound", &["/compound", "numbers", "compounds"]),
        ("complex", &["/complex", "numbers"]),
        (
            "committed",
            &["/committed", "datatype of its own", "shared"],
        ),
        ("type", &["/type", "dataspace", "none"]),
    ] {
        says(
            file.tensor(name).and_then(|tensor| tensor.read::<f32>()),
            words,
        );
    }
}

/// An HDF5 file of 8-byte addresses whose root group, an object header of these messages, is at 48; `rest` follows.
fn hdf5(messages: &[(u8, Vec<u8>)], rest: impl FnOnce(usize) -> Vec<u8>) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, message) in messages {
        body.push(*kind);
        body.extend(u16::try_from(message.len()).unwrap().to_le_bytes());
        body.push(0);
        body.extend(message);
    }
    let mut header = b"OHDR\x02\x02".to_vec();
    header.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    header.extend(body);
    let after = rest(48 + header.len());
    let end = 48 + header.len() + after.len();
    let mut file = b"\x89HDF\r\n\x1a\n\x02\x08\x08\0".to_vec();
    for address in [0, u64::MAX, end as u64, 48] {
        file.extend(address.to_le_bytes());
    }
    file.extend([0; 4]);
    [file, header, after].concat()
}

/// A link of this name, as a message.
fn link(name: &[u8], address: usize) -> (u8, Vec<u8>) {
    let length = u8::try_from(name.len()).unwrap();
    let address = (address as u64).to_le_bytes();
    (6, [&[1, 0, length], name, &address].concat())
}

#[test]
fn hdf5_whose_nodes_lie_in_each_other() {
    // Two messages: where the tree and the heap of names are. Each node has the most children, and the next node in it.
    let tree = |at: usize| {
        let mut nodes = Vec::new();
        for level in (0..=255).rev() {
            nodes.extend([&b"TREE\0"[..], &[level], &[0xff; 2 + 16], &[0; 8]].concat());
            nodes.extend(((at + nodes.len() + 8) as u64).to_le_bytes());
        }
        nodes.resize(nodes.len() + 65_535 * 16, 0);
        let heap = [&b"HEAP\0\0\0\0"[..], &[0; 24]].concat();
        [nodes, heap].concat()
    };
    let start = 48 + 10 + 4 + 16;
    let heap = start + tree(start).len() - 32;
    let places = [start as u64, heap as u64].map(u64::to_le_bytes).concat();
    let bytes = hdf5(&[(0x11, places)], tree);
    says(
        bounded("tree.h5", &bytes, &Limits::default()),
        &["HDF5 symbol table"],
    );
}

#[test]
fn hdf5_with_many_links_to_a_long_header() {
    let links = |target: usize| -> Vec<_> {
        let name = |n: u8| [b'a' + n / 16, b'a' + n % 16];
        (0..100).map(|n| link(&name(n), target)).collect()
    };
    let start = 48 + 10 + 100 * (4 + 13);
    let long = |_| {
        let mut header = b"OHDR\x02\x02\0\0\x04\0".to_vec();
        header.resize(header.len() + (1 << 18), 0);
        header
    };
    let bytes = hdf5(&links(start), long);
    says(
        bounded("links.h5", &bytes, &Limits::default()),
        &["/aa: found none, expected an array with a dataspace"],
    );
}

#[test]
fn directories_of_more_members_than_they_count() {
    let mut writer = Writer::new();
    writer.add("a", &[1; 50], false).unwrap();
    writer.add("b", &[2; 50], false).unwrap();
    let mut bytes = writer.finish().unwrap();
    let end = bytes.len() - 22;
    bytes[end + 8..end + 12].copy_from_slice(&[1, 0, 1, 0]);
    says(
        Archive::open(&bytes, &Limits::default()).map(drop),
        &["zip directory: found 47 bytes more, expected a directory of 1 members"],
    );
}

#[test]
fn members_that_overlap_are_refused() {
    let mut writer = Writer::new();
    writer.add("a", &[1; 50], false).unwrap();
    writer.add("b", &[2; 50], false).unwrap();
    let sound = writer.finish().unwrap();
    let limits = Limits::default();
    assert_eq!(
        *Archive::open(&sound, &limits).unwrap().read("b").unwrap(),
        [2; 50]
    );
    // Sizes of "a" in the directory: its own 50 bytes, the header of "b", and one byte of that.
    let entry = sound
        .windows(4)
        .position(|four| four == b"PK\x01\x02")
        .unwrap();
    let mut overlapping = sound.clone();
    for field in [20, 24] {
        overlapping[entry + field..][..4].copy_from_slice(&(50u32 + 31 + 1).to_le_bytes());
    }
    says(
        Archive::open(&overlapping, &limits).map(drop),
        &["\"a\" and \"b\" overlapping"],
    );
    let mut changed = sound.clone();
    changed[40] ^= 1;
    says(
        Archive::open(&changed, &limits).unwrap().read("a"),
        &["a: found", "CRC-32"],
    );
    let mut encrypted = sound.clone();
    encrypted[entry + 8] |= 1;
    says(
        Archive::open(&encrypted, &limits).unwrap().read("a"),
        &["encrypted"],
    );
    let mut renamed = sound;
    renamed[30] = b'c';
    says(
        Archive::open(&renamed, &limits).map(drop),
        &["zip member", "\"c\"", "\"a\""],
    );
}

#[test]
fn limits_hold() {
    let name = "golden/keras_files/models/seq_lstm_dense.keras";
    let bytes = read(name);
    let with = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        read_file(name, &bytes, &limits)
    };
    with(|_| ()).unwrap();
    says(
        with(|limits| limits.file_bytes = 100),
        &["file", "18305 bytes", "at most 100 bytes"],
    );
    says(
        with(|limits| limits.entries = 2),
        &["zip directory", "3", "at most 2 members"],
    );
    says(
        with(|limits| limits.entries = 3),
        &["config.json", "at most 48 values"],
    );
    says(
        with(|limits| limits.text_bytes = 64),
        &["config.json", "at most 64 bytes"],
    );
    says(
        with(|limits| limits.depth = 3),
        &["config.json", "at most 3 deep"],
    );
    let weights = "golden/keras_files/models/seq_lstm_dense.weights.h5";
    let bytes = read(weights);
    let with = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        read_file(weights, &bytes, &limits)
    };
    says(
        with(|limits| limits.entries = 3),
        &["HDF5 groups", "at most 3 links"],
    );
    says(
        with(|limits| limits.depth = 3),
        &["/layers/dense/vars", "at most 3 deep"],
    );
    says(
        with(|limits| limits.text_bytes = 2),
        &["attribute", "at most 2 bytes"],
    );
}

/// Every kind of change to a file of `length` bytes, thinned out to about `most`.
fn changes(length: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    // A cut, all bits, and each of two bits.
    const KINDS: usize = 4;
    let total = length * KINDS;
    (0..total)
        .step_by((total / most).max(1) | 1)
        .map(|n| (n / KINDS, n % KINDS))
}

fn change(bytes: &[u8], (at, kind): (usize, usize)) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match kind {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 0xff,
        2 => bytes[at] ^= 1,
        _ => bytes[at] ^= 0x80,
    }
    bytes
}

/// Changes each of these files in about `most` ways, and counts what is still read.
fn survive(directory: &str, end: &str, most: usize) {
    survive_of(&files(directory, end), directory, end, most);
}

/// Every second file, from the first or the second one on.
fn survive_half(directory: &str, end: &str, most: usize, first: usize) {
    let names: Vec<_> = files(directory, end)
        .into_iter()
        .skip(first)
        .step_by(2)
        .collect();
    survive_of(&names, directory, end, most);
}

fn survive_of(names: &[std::string::String], directory: &str, end: &str, most: usize) {
    let (mut survived, mut refused) = (0, 0);
    for name in names {
        let name = format!("{directory}/{name}");
        let bytes = read(&name);
        for how in changes(bytes.len(), most) {
            match bounded(
                &format!("{name} {how:?}.{end}"),
                &change(&bytes, how),
                &Limits::default(),
            ) {
                Ok(_) => survived += 1,
                Err(_) => refused += 1,
            }
        }
    }
    // Some bytes matter, and some are numbers or padding.
    assert!(
        refused > 50 && survived > 50,
        "{refused} refused, {survived} survived"
    );
}

#[test]
fn changed_safetensors() {
    survive("golden/torch/models", "safetensors", usize::MAX);
}

#[test]
fn changed_onnx() {
    survive("golden/onnx/models", "onnx", usize::MAX);
}

#[test]
fn changed_npz() {
    survive("data/format", "npz", usize::MAX);
}

#[test]
fn changed_keras() {
    survive("golden/keras_files/models", "keras", 1500);
}

#[test]
fn changed_hdf5_of_keras() {
    survive("golden/keras_files/models", "h5", 1500);
}

// Two tests of nearly the same length, which run at the same time.
#[test]
fn changed_hdf5_of_h5py() {
    survive_half("data/format", "h5", 800, 0);
}

#[test]
fn changed_hdf5_of_h5py_too() {
    survive_half("data/format", "h5", 800, 1);
}
