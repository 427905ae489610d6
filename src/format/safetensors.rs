//! safetensors: what users of PyTorch keep weights in.
//!
//! The `safetensors` crate checks the header: arrays lie side by side, within the file, and are as long as their shapes.

use super::bytes::{Bytes, Data, Kept};
use super::error::{Error, Result};
use super::json;
use super::kind::{self, Kind};
use super::meter::check_file;
use super::number::{self, Float, Number};
#[cfg(feature = "std")]
use super::pages::Pages;
use super::raw_array::{Arrays, RawArray};
use crate::Limits;
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::marker::PhantomData;
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

const PART: &str = "safetensors file";
/// What messages call the format.
const FORMAT: &str = "a safetensors file";
/// Bytes of the length of the header.
const LENGTH: usize = 8;
/// What is no array.
const METADATA: &str = "__metadata__";

/// A safetensors file.
pub struct File<'a> {
    header: Metadata,
    bytes: Kept<'a>,
    /// Where the header ends.
    start: usize,
}

impl<'a> File<'a> {
    /// Reads and checks the header.
    pub fn open(bytes: impl Into<Cow<'a, [u8]>>, limits: &Limits) -> Result<Self> {
        Self::of(Kept::Memory(bytes.into()), limits)
    }

    /// The file at a path. A large one stays on disk, where its arrays are read when they are asked for.
    #[cfg(feature = "std")]
    pub fn load(path: &std::path::Path, limits: &Limits) -> Result<File<'static>> {
        // No signature: every file may be one.
        let pages = Pages::open(path, limits.file_bytes, &[b""])?;
        File::of(Kept::Disk(pages), limits)
    }

    fn of(bytes: Kept<'a>, limits: &Limits) -> Result<Self> {
        let file = bytes.bytes();
        check_file(file.len(), limits)?;
        let head = file.head()?;
        let (header, start) = read_header(file, limits).map_err(|error| {
            kind::explain(error, &[Kind::Safetensors, Kind::Unknown], FORMAT, head)
        })?;
        Ok(File {
            header,
            bytes,
            start,
        })
    }

    /// A text of the header's `__metadata__`.
    pub fn text(&self, key: &str) -> Option<&str> {
        Some(self.header.metadata().as_ref()?.get(key)?)
    }
}

#[cfg(feature = "torch")]
impl File<'_> {
    /// Writes numbers over those of an array, in a copy of the bytes of the file, each rounded to the type of the array.
    pub fn overwrite(
        &self,
        name: &str,
        numbers: impl IntoIterator<Item = f64>,
        copy: &mut [u8],
    ) -> Result<()> {
        let array = self.tensor(name)?;
        if !array.number().is_float() {
            return Err(Error::new(name, "floating-point numbers", array.number()));
        }
        let missing = || Error::new(name, "the bytes of an array", "none");
        let info = self.header.info(name).ok_or_else(missing)?;
        let (start, end) = info.data_offsets;
        let bytes = copy.get_mut(self.start + start..self.start + end);
        let size = array.number().size();
        let places = bytes.ok_or_else(missing)?.chunks_exact_mut(size);
        for (x, to) in numbers.into_iter().zip(places) {
            number::overwrite(array.number(), false, x, to).ok_or_else(missing)?;
        }
        Ok(())
    }
}

/// The header, and where it ends.
fn read_header(file: Bytes, limits: &Limits) -> Result<(Metadata, usize)> {
    let short = || {
        let expected = "a header and its length, 8 bytes";
        Error::new(PART, expected, format!("{} bytes", file.len()))
    };
    let head = file.head()?;
    let claimed = u64::from_le_bytes(*head.first_chunk().ok_or_else(short)?);
    if claimed > limits.text_bytes as u64 {
        let expected = format!("a header of at most {} bytes", limits.text_bytes);
        return Err(match Kind::of(head) {
            Kind::Safetensors => Error::new(PART, expected, format!("{claimed} bytes")),
            // No header: a claim of 10^18 bytes says nothing to anybody.
            kind => kind.refuse(FORMAT, head),
        });
    }
    let start = usize::try_from(claimed).unwrap_or(usize::MAX);
    let start = start.saturating_add(LENGTH);
    let header = file.get(0, start)?.ok_or_else(|| {
        let expected = format!("a header of {claimed} bytes, as it says: is the file whole?");
        Error::new(PART, expected, format!("{} bytes", file.len() - LENGTH))
    })?;
    let text = core::str::from_utf8(&header[LENGTH..]).map_err(unsound)?;
    check_header(text, file.len() - start, limits)?;
    let header: Metadata = serde_json::from_str(text).map_err(unsound)?;
    let names = header.offset_keys();
    if names.len() > limits.entries {
        let expected = format!("at most {} arrays", limits.entries);
        return Err(Error::new(PART, expected, names.len()));
    }
    let ends = names.iter().filter_map(|name| header.info(name));
    let end = ends.map(|info| info.data_offsets.1).max().unwrap_or(0);
    if end != file.len() - start {
        let expected = format!("a file that ends with its arrays, {end} bytes after the header");
        let found = format!("{} bytes after it", file.len() - start);
        return Err(Error::new(PART, expected, found));
    }
    Ok((header, start))
}

fn unsound(error: impl ToString) -> Error {
    Error::new(PART, "a sound header", error)
}

/// Refuses what the `safetensors` crate does not look at: a header of very many values, before any is made; one name for two
/// arrays, of which it would take the last; arrays so far beyond the file that its sum of lengths would overflow.
fn check_header(text: &str, data: usize, limits: &Limits) -> Result<()> {
    json::check(text, PART, limits)?;
    let header: Object<Option<Object<Value>>> = serde_json::from_str(text).map_err(unsound)?;
    let arrays = header.0.iter().filter(|(name, _)| *name != METADATA);
    for (name, array) in arrays {
        if let Some(Object(info)) = array
            && let Some(&Value::Offsets([_, end])) = info.get("data_offsets")
            && end > data as u64
        {
            let expected =
                format!("an array in the {data} bytes after the header: is the file whole?");
            return Err(Error::new(name, expected, format!("one up to {end}")));
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

    fn tensor(&self, name: &str) -> Result<RawArray<'_>> {
        let missing = || {
            let names = self.header.offset_keys();
            let found = match names.len() {
                0 => "no array".into(),
                n if n > 8 => format!("{:?} and {} more", &names[..8], n - 8),
                _ => format!("{names:?}"),
            };
            Error::new(PART, format!("an array {name:?}"), found)
        };
        let info = self.header.info(name).ok_or_else(missing)?;
        let number = kind(info.dtype).ok_or_else(|| {
            let expected = "booleans, whole numbers, or floating-point numbers of 16 bits and more";
            Error::new(name, expected, info.dtype)
        })?;
        let (start, end) = info.data_offsets;
        let length = end.saturating_sub(start);
        let bytes = self.bytes.bytes().part(self.start + start, length);
        let bytes = bytes.ok_or_else(missing)?;
        RawArray::new(name.to_string(), info.shape.clone(), number, move || {
            Ok(Data::File(bytes))
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

    /// One more array, its numbers in order, the last axis running fastest; refuses a name that another one has.
    pub fn add<A: Float>(
        &mut self,
        name: &str,
        shape: &[usize],
        numbers: impl IntoIterator<Item = A>,
    ) -> Result<()> {
        if self.has(name) {
            return Err(twice(name));
        }
        let dtype = if A::NUMBER == Number::F32 {
            "F32"
        } else {
            "F64"
        };
        let start = self.data.len();
        let count: usize = shape.iter().product();
        self.data.reserve(count * A::NUMBER.size());
        number::write(numbers, &mut self.data);
        let end = self.data.len();
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
    Error::new(PART, expected, format!("{name:?}"))
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

#[cfg(test)]
mod tests;
