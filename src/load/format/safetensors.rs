//! safetensors: what users of PyTorch keep weights in.
//!
//! The `safetensors` crate checks the header: arrays lie side by side, within the file, and are as long as their shapes.

use super::number::{self, Number};
use super::tensor::{Arrays, Tensor};
use super::{check_file, json};
use crate::error::{Error, Result};
use crate::{Element, Limits};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::marker::PhantomData;
use ndarray::ArrayViewD;
use safetensors::tensor::Metadata;
use safetensors::{Dtype, SafeTensors};
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

const PART: &str = "safetensors file";
/// Bytes of the length of the header.
const LENGTH: usize = 8;
/// What is no array.
const METADATA: &str = "__metadata__";

/// A safetensors file.
pub struct File<'a> {
    header: Metadata,
    bytes: Cow<'a, [u8]>,
    /// Where the header ends.
    start: usize,
}

impl<'a> File<'a> {
    /// Reads and checks the header.
    pub fn open(bytes: impl Into<Cow<'a, [u8]>>, limits: &Limits) -> Result<Self> {
        let bytes = bytes.into();
        check_file(bytes.len(), limits)?;
        let claimed = bytes
            .first_chunk()
            .map_or(0, |&length| u64::from_le_bytes(length));
        if claimed > limits.text_bytes as u64 {
            let expected = format!("a header of at most {} bytes", limits.text_bytes);
            return Err(Error::file(PART, expected, looks_like(&bytes, claimed)));
        }
        check_header(&bytes, limits)?;
        let (length, header) = SafeTensors::read_metadata(&bytes).map_err(unsound)?;
        let count = header.offset_keys().len();
        if count > limits.entries {
            let expected = format!("at most {} arrays", limits.entries);
            return Err(Error::file(PART, expected, count));
        }
        Ok(File {
            header,
            bytes,
            start: LENGTH + length,
        })
    }

    /// A text of the header's `__metadata__`.
    pub fn text(&self, key: &str) -> Option<&str> {
        Some(self.header.metadata().as_ref()?.get(key)?)
    }
}

/// What a file is whose header cannot be so long: its first bytes are those of another format.
fn looks_like(bytes: &[u8], claimed: u64) -> String {
    const INSTEAD: &str =
        "; `safetensors.torch.save_file` writes this one, `keras::load` reads files of Keras";
    let format = match bytes {
        [b'P', b'K', ..] => "a zip archive, as `torch.save` and Keras write",
        [0x80, ..] => "a pickle, as old versions of `torch.save` wrote",
        [0x89, b'H', b'D', b'F', ..] => "an HDF5 file",
        _ => return format!("{claimed} bytes"),
    };
    format!("{format}{INSTEAD}")
}

fn unsound(error: impl ToString) -> Error {
    Error::file(PART, "a sound header", error)
}

/// Refuses what the `safetensors` crate does not look at: a header of very many values, before any is made; one name for two
/// arrays, of which it would take the last; arrays so far beyond the file that its sum of lengths would overflow.
fn check_header(bytes: &[u8], limits: &Limits) -> Result<()> {
    // What is no text of the length that it tells is refused by the crate.
    let Some((length, rest)) = bytes.split_first_chunk::<LENGTH>() else {
        return Ok(());
    };
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let Some((text, data)) = rest.split_at_checked(length) else {
        return Ok(());
    };
    let text = core::str::from_utf8(text).map_err(unsound)?;
    json::check(text, PART, limits)?;
    let header: Object<Option<Object<Value>>> = serde_json::from_str(text).map_err(unsound)?;
    let arrays = header.0.iter().filter(|(name, _)| *name != METADATA);
    for (name, array) in arrays {
        if let Some(Object(info)) = array
            && let Some(&Value::Offsets([_, end])) = info.get("data_offsets")
            && end > data.len() as u64
        {
            let expected = format!("an array in the {} bytes behind the header", data.len());
            return Err(Error::file(name, expected, format!("one up to {end}")));
        }
    }
    Ok(())
}

/// A value in the description of an array.
#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Offsets([u64; 2]),
    Other(IgnoredAny),
}

/// A JSON object in which no key is there twice.
struct Object<V>(BTreeMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Object<V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> core::result::Result<Self, D::Error> {
        from.deserialize_map(Keys(PhantomData))
    }
}

struct Keys<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Keys<V> {
    type Value = Object<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> core::result::Result<Object<V>, M::Error> {
        let mut object = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value()?;
            if object.contains_key(&key) {
                return Err(M::Error::custom(format!("two of {key:?}")));
            }
            object.insert(key, value);
        }
        Ok(Object(object))
    }
}

impl Arrays for File<'_> {
    fn names(&self) -> Result<Vec<String>> {
        let mut names = self.header.offset_keys();
        names.sort_unstable();
        Ok(names)
    }

    fn tensor(&self, name: &str) -> Result<Tensor<'_>> {
        let missing = || {
            let names = self.header.offset_keys();
            let found = match names.len() {
                0 => "no array".into(),
                n if n > 8 => format!("{:?} and {} more", &names[..8], n - 8),
                _ => format!("{names:?}"),
            };
            Error::file(PART, format!("an array {name:?}"), found)
        };
        let info = self.header.info(name).ok_or_else(missing)?;
        let number = kind(info.dtype).ok_or_else(|| {
            let expected = "booleans, whole numbers, or floating-point numbers of 16 bits and more";
            Error::file(name, expected, info.dtype)
        })?;
        let (start, end) = info.data_offsets;
        let data = self.bytes.get(self.start..).unwrap_or_default();
        let bytes = data.get(start..end).ok_or_else(missing)?;
        Tensor::new(name.to_string(), info.shape.clone(), number, move || {
            Ok(Cow::Borrowed(bytes))
        })
    }
}

fn kind(dtype: Dtype) -> Option<Number> {
    Some(match dtype {
        Dtype::BOOL => Number::Bool,
        Dtype::I8 => Number::I8,
        Dtype::I16 => Number::I16,
        Dtype::I32 => Number::I32,
        Dtype::I64 => Number::I64,
        Dtype::U8 => Number::U8,
        Dtype::U16 => Number::U16,
        Dtype::U32 => Number::U32,
        Dtype::U64 => Number::U64,
        Dtype::F16 => Number::F16,
        Dtype::BF16 => Number::BF16,
        Dtype::F32 => Number::F32,
        Dtype::F64 => Number::F64,
        _ => return None,
    })
}

/// A file that is being written, array by array.
#[derive(Default)]
pub struct Writer {
    /// What the header says of each array.
    infos: BTreeMap<String, String>,
    data: Vec<u8>,
}

impl Writer {
    /// Whether there is something of this name.
    pub fn has(&self, name: &str) -> bool {
        name == METADATA || self.infos.contains_key(name)
    }

    /// One more array; refuses a name that another one has.
    pub fn add<A: Element>(&mut self, name: &str, array: &ArrayViewD<A>) -> Result<()> {
        if self.has(name) {
            return Err(twice(name));
        }
        let dtype = if number::of::<A>() == Number::F32 {
            "F32"
        } else {
            "F64"
        };
        let start = self.data.len();
        number::write(array, &mut self.data);
        let (shape, end) = (array.shape(), self.data.len());
        let info =
            format!(r#"{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{start},{end}]}}"#);
        self.infos.insert(name.into(), info);
        Ok(())
    }

    /// The file, with these texts in its `__metadata__`.
    pub fn finish(self, metadata: &[(&str, &str)]) -> Result<Vec<u8>> {
        let Writer { mut infos, data } = self;
        let mut texts = BTreeMap::new();
        for (key, text) in metadata {
            if *key == METADATA || texts.insert((*key).to_string(), quoted(text)).is_some() {
                return Err(twice(key));
            }
        }
        if !texts.is_empty() {
            infos.insert(METADATA.into(), object(&texts));
        }
        let header = object(&infos);
        let length = header.len().next_multiple_of(LENGTH);
        let mut bytes = Vec::with_capacity(LENGTH + length + data.len());
        bytes.extend((length as u64).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.resize(LENGTH + length, b' ');
        bytes.extend(data);
        Ok(bytes)
    }
}

fn twice(name: &str) -> Error {
    let expected = "arrays and texts of different names";
    Error::file(PART, expected, format!("{name:?}"))
}

/// A file of these arrays, with these texts in its `__metadata__`. The same arrays make the same file.
pub fn write<A: Element>(
    arrays: &[(&str, ArrayViewD<A>)],
    metadata: &[(&str, &str)],
) -> Result<Vec<u8>> {
    let mut file = Writer::default();
    for (name, array) in arrays {
        file.add(name, array)?;
    }
    file.finish(metadata)
}

/// A JSON object of fields that are JSON.
fn object(fields: &BTreeMap<String, String>) -> String {
    let fields = fields
        .iter()
        .map(|(key, value)| format!("{}:{value}", quoted(key)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            // Writing to a String cannot fail.
            '\0'..' ' => _ = write!(quoted, "\\u{:04x}", u32::from(c)),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
