//! `Kind`: what a file is, by its first bytes; every reader names in the same words what it was given instead of its format.

use super::error::Error;
use alloc::format;
use alloc::string::{String, ToString};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No byte at all.
    Empty,
    /// Nothing but zeros, as of a download that was broken off.
    Zeros,
    /// What a clone without Git LFS has in place of a large file.
    GitLfs,
    /// A page, as a browser shows it.
    Html,
    /// Any other XML.
    Xml,
    /// A text in JSON.
    Json,
    /// JSON that names the files in which the arrays are.
    Shards,
    /// An amplifier model in JSON.
    Amp,
    /// Any other text.
    Text,
    /// What `torch.save` writes.
    Torch,
    /// What `torch.jit.save` and `torch.export.save` write.
    TorchProgram,
    /// A pickle of Python.
    Pickle,
    /// An archive of Keras.
    Keras,
    /// An archive of arrays of NumPy.
    Npz,
    /// Any other zip archive.
    Zip,
    /// An array of NumPy.
    Npy,
    /// HDF5.
    Hdf5,
    /// safetensors.
    Safetensors,
    /// A model in ONNX.
    Onnx,
    /// A SavedModel of TensorFlow.
    SavedModel,
    /// A model for TensorFlow Lite.
    TfLite,
    /// A model for llama.cpp.
    Gguf,
    /// A tar archive.
    Tar,
    /// A file that was compressed as a whole.
    Compressed,
    /// A directory.
    Directory,
    /// A directory that Keras made of a model.
    KerasDirectory,
    /// None of these.
    Unknown,
}

/// How many bytes are looked at.
const HEAD: usize = 4096;
/// How much of a text is quoted.
const QUOTED: usize = 32;

/// What files of one kind begin with.
const SIGNATURES: &[(&[u8], Kind)] = &[
    (b"version https://git-lfs", Kind::GitLfs),
    (b"version https://hawser", Kind::GitLfs),
    (b"\x89HDF\r\n\x1a\n", Kind::Hdf5),
    (b"\x93NUMPY", Kind::Npy),
    (b"PK", Kind::Zip),
    // The magic number of old versions, as a pickle.
    (
        b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19",
        Kind::Torch,
    ),
    (b"\x80\x02", Kind::Pickle),
    (b"\x80\x03", Kind::Pickle),
    (b"\x80\x04", Kind::Pickle),
    (b"\x80\x05", Kind::Pickle),
    (b"GGUF", Kind::Gguf),
    (b"\x1f\x8b", Kind::Compressed),
    (b"BZh", Kind::Compressed),
    (b"\xfd7zXZ\0", Kind::Compressed),
    (b"\x28\xb5\x2f\xfd", Kind::Compressed),
    (b"7z\xbc\xaf\x27\x1c", Kind::Compressed),
    // The version of the format, and a message or the producer's name after it.
    (b"\x08\x01\x12", Kind::SavedModel),
];

impl Kind {
    /// The kind of a file that begins so.
    pub fn of(bytes: &[u8]) -> Self {
        let head = &bytes[..bytes.len().min(HEAD)];
        // Eight bytes of length can look like anything, but not together with what follows them.
        if let [_, _, _, _, 0, 0, 0, 0, b'{', ..] = head {
            return Kind::Safetensors;
        }
        let signature = SIGNATURES.iter().find(|(start, _)| head.starts_with(start));
        match signature {
            Some((_, Kind::Zip)) => return archive(head),
            Some((_, kind)) => return *kind,
            None => {}
        }
        match head {
            [] => Kind::Empty,
            _ if head.iter().all(|&byte| byte == 0) => Kind::Zeros,
            [_, _, _, _, b'T', b'F', b'L', b'3', ..] => Kind::TfLite,
            // ir_version, and one of the fields that models have.
            [8, 1..32, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42, ..] => Kind::Onnx,
            _ if head.get(257..262) == Some(b"ustar") => Kind::Tar,
            _ if has_block(head) => Kind::Hdf5,
            _ => text(head),
        }
    }

    /// The kind of a directory.
    #[cfg(feature = "std")]
    pub fn of_directory(path: &std::path::Path) -> Self {
        let has = |name: &str| path.join(name).exists();
        if has("saved_model.pb") {
            Kind::SavedModel
        } else if has("config.json") && has("metadata.json") {
            Kind::KerasDirectory
        } else {
            Kind::Directory
        }
    }

    /// Refuses a file of this kind that begins so.
    pub fn refuse(self, expected: &str, head: &[u8]) -> Error {
        Error::new("format", expected, self.describe(head))
    }

    /// What it is called, and what to do with it.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Kind::Empty => ("an empty file", ""),
            Kind::Zeros => ("nothing but zeros", "is the download whole?"),
            Kind::GitLfs => ("a Git LFS pointer", "run `git lfs pull`"),
            Kind::Html => ("an HTML page, not the file itself", "download the raw file"),
            Kind::Xml => ("XML, perhaps what a server says of an error", ""),
            Kind::Json => (
                "JSON without weights",
                "if it is a configuration of Keras: `keras::Reader::load_parts`, with the file of its weights",
            ),
            Kind::Shards => (
                "the index of a model in several files",
                "load the files that it names; of Keras: `keras::Weights::load`",
            ),
            Kind::Amp => ("an amplifier model in JSON", "`amp::load`, feature `amp`"),
            Kind::Text => ("a text", ""),
            Kind::Torch => (
                "a file of `torch.save`",
                "write it with `safetensors.torch.save_file`, which `torch::File` reads, feature `torch`",
            ),
            Kind::TorchProgram => (
                "a program of PyTorch, as `torch.jit.save` writes",
                "write its `state_dict()` with `safetensors.torch.save_file`, which `torch::File` reads, feature `torch`",
            ),
            Kind::Pickle => (
                "a pickle of Python",
                "write its arrays with `safetensors` or `numpy.savez`",
            ),
            Kind::Keras => ("a `.keras` archive", "`keras::load`, feature `keras`"),
            Kind::Npz => ("a `.npz` archive of NumPy", "`npz::File`, feature `npz`"),
            Kind::Zip => ("a zip archive of other files", "unpack it first"),
            Kind::Npy => ("a `.npy` array of NumPy", "`npz::File`, feature `npz`"),
            Kind::Hdf5 => ("an HDF5 file", "of Keras: `keras::load`, feature `keras`"),
            Kind::Safetensors => (
                "a safetensors file",
                "of PyTorch: `torch::File`, feature `torch`; of this crate: `saved::load`, feature `saved`",
            ),
            Kind::Onnx => ("a model in ONNX", "`onnx::File`, feature `onnx`"),
            Kind::SavedModel => (
                "a SavedModel of TensorFlow",
                "load it in Keras and save it as a `.keras` or `.h5` file",
            ),
            Kind::TfLite => (
                "a TensorFlow Lite model",
                "save the model of Keras that it was made of as a `.keras` file",
            ),
            Kind::Gguf => (
                "a GGUF file",
                "take the safetensors file that it was made of",
            ),
            Kind::Tar => ("a tar archive", "unpack it first"),
            Kind::Compressed => ("a compressed file", "unpack it first"),
            Kind::Directory => ("a directory", "name the file in it"),
            Kind::KerasDirectory => ("a directory of Keras", "`keras::load`, feature `keras`"),
            Kind::Unknown => ("bytes of no known format", "is the file damaged?"),
        }
    }

    /// How a message names a file of this kind that begins so.
    fn describe(self, head: &[u8]) -> String {
        match (self, self.words()) {
            (Kind::Text, _) => format!("a text that begins {:?}", quoted(head)),
            (_, (name, "")) => name.to_string(),
            (_, (name, advice)) => format!("{name} ({advice})"),
        }
    }
}

/// Refuses a file that begins so.
pub fn refuse(expected: &str, head: &[u8]) -> Error {
    Kind::of(head).refuse(expected, head)
}

/// Why a file was refused that begins so: that it is of another kind than it must be, or else what its reader says.
pub fn explain(error: Error, kinds: &[Kind], expected: &str, head: &[u8]) -> Error {
    match Kind::of(head) {
        kind if kinds.contains(&kind) => error,
        Kind::Unknown => {
            let found = Kind::Unknown.describe(head);
            error.within(&format!("format: found {found}, expected {expected}"))
        }
        kind => kind.refuse(expected, head),
    }
}

/// What the first member of a program of PyTorch is called, in the folder that has all of them.
const PROGRAM: [&[u8]; 4] = [
    b"/data/0",
    b"/data/weights/weight_0",
    b"/constants.pkl",
    b"/version",
];

/// A zip archive, by the name of its first member.
fn archive(head: &[u8]) -> Kind {
    const NAME: usize = 30;
    let Some(&[low, high]) = head.get(26..28) else {
        return Kind::Zip;
    };
    let length = usize::from(u16::from_le_bytes([low, high]));
    let name = head.get(NAME..NAME + length).unwrap_or_default();
    // `torch.save` puts everything into one folder, this one first.
    if name == b"data.pkl" || name.ends_with(b"/data.pkl") {
        return Kind::Torch;
    }
    if PROGRAM.iter().any(|end| name.ends_with(end)) {
        return Kind::TorchProgram;
    }
    match name {
        b"metadata.json" | b"config.json" | b"model.weights.h5" | b"model.weights.json" => {
            Kind::Keras
        }
        _ if name.ends_with(b".npy") => Kind::Npz,
        _ => Kind::Zip,
    }
}

/// A key that each form of an amplifier model has, but for state dicts.
const AMP: [&[u8]; 3] = [b"\"in_shape\"", b"\"model_data\"", b"\"architecture\""];

/// Whether there is HDF5 after a block of the user.
fn has_block(head: &[u8]) -> bool {
    let starts = [512, 1024, 2048].into_iter();
    starts
        .filter_map(|start| head.get(start..))
        .any(|rest| rest.starts_with(b"\x89HDF\r\n\x1a\n"))
}

/// A file that may be a text.
fn text(head: &[u8]) -> Kind {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = text.trim_ascii_start();
    let begins = |with: &str| {
        let start = text.get(..with.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    let has = |word: &[u8]| text.windows(word.len()).any(|part| part == word);
    let is_text = !text.is_empty() && !quoted(text).chars().any(is_control);
    match text {
        _ if !is_text => Kind::Unknown,
        _ if begins("<!doctype html") || begins("<html") || begins("<head") => Kind::Html,
        [b'<', ..] if has(b"<html") => Kind::Html,
        [b'<', b'?' | b'!' | b'a'..=b'z' | b'A'..=b'Z', ..] => Kind::Xml,
        [b'{', ..] if has(b"\"weight_map\"") => Kind::Shards,
        [b'{', ..] if AMP.iter().any(|key| has(key)) => Kind::Amp,
        [b'{' | b'[', ..] => Kind::Json,
        _ => Kind::Text,
    }
}

fn is_control(c: char) -> bool {
    c == char::REPLACEMENT_CHARACTER || (c.is_control() && !c.is_whitespace())
}

/// The first characters of a text; one that is cut is left out, bytes of no text are replaced.
fn quoted(head: &[u8]) -> String {
    let head = &head[..head.len().min(QUOTED)];
    let whole = match core::str::from_utf8(head) {
        Err(error) if error.error_len().is_none() => &head[..error.valid_up_to()],
        _ => head,
    };
    String::from_utf8_lossy(whole).into_owned()
}
