//! `External`: where the numbers of an array are that are not in the file of the model.

use super::super::bytes::Bytes;
use super::super::error::{Error, Result};
use super::super::kind::Kind;
use super::fields::{Fields, Message};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The key of the name of the other file.
pub(super) const LOCATION: &str = "location";

/// The bytes of a model, and the files beside it.
#[derive(Clone, Copy)]
pub struct Source<'s> {
    /// Those that the model was read from.
    pub bytes: Bytes<'s>,
    /// The other files.
    pub beside: &'s dyn Beside,
}

/// The files beside a model.
pub trait Beside {
    /// The bytes of the file that a model calls by this name, without anything that leads out of its folder.
    fn file(&self, location: &str) -> Result<Bytes<'_>>;
}

/// No file beside the model.
pub struct Alone;

impl Beside for Alone {
    fn file(&self, location: &str) -> Result<Bytes<'_>> {
        let found = format!("external data in {location:?}");
        Err(Error::new("reading", "data in the file itself", found))
    }
}

/// What a tensor says of its data in another file.
#[derive(Default)]
pub(super) struct External {
    /// `data_location` says that it is there.
    pub is_used: bool,
    pub has_raw_data: bool,
    location: Option<String>,
    offset: Option<u64>,
    length: Option<u64>,
    checksum: Option<String>,
}

/// Where it is: a file, the first byte, and the number of bytes if that is written.
pub(super) struct Place {
    location: String,
    offset: u64,
    length: Option<u64>,
}

/// One key and its value.
pub(super) fn entry(message: Message) -> Result<(String, String)> {
    let (mut key, mut value) = (String::new(), String::new());
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => key = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
    }
    Ok((key, value))
}

impl External {
    pub fn add(&mut self, (key, value): (String, String)) -> Result<()> {
        let number = || {
            let number = value.parse::<u64>();
            number.map_err(|_| {
                let expected = "a whole number of bytes, at least 0";
                refuse(&key, expected, format!("{value:?}"))
            })
        };
        let is_new = match key.as_str() {
            LOCATION => self.location.replace(value).is_none(),
            "offset" => self.offset.replace(number()?).is_none(),
            "length" => self.length.replace(number()?).is_none(),
            "checksum" => self.checksum.replace(value).is_none(),
            _ => {
                let expected = "location, offset, length and checksum";
                return Err(refuse("keys", expected, format!("{key:?}")));
            }
        };
        if is_new {
            return Ok(());
        }
        Err(refuse(&key, "one value", "two"))
    }

    /// `None` if the data is in the file of the model.
    pub fn place(self) -> Result<Option<Place>> {
        let has_entries = self.location.is_some()
            || self.offset.is_some()
            || self.length.is_some()
            || self.checksum.is_some();
        if !self.is_used {
            if has_entries {
                let expected = "data_location EXTERNAL, or no keys of external data";
                return Err(refuse("data_location", expected, "keys without it"));
            }
            return Ok(None);
        }
        if self.has_raw_data {
            let expected = "numbers in one place";
            return Err(refuse(
                "raw_data",
                expected,
                "data here and in another file",
            ));
        }
        let missing = || refuse(LOCATION, "the name of a file", "none");
        Ok(Some(Place {
            location: clean(&self.location.ok_or_else(missing)?)?,
            offset: self.offset.unwrap_or(0),
            length: self.length,
        }))
    }
}

impl Place {
    /// The bytes of an array that has `expected` of them.
    pub fn bytes<'s>(&self, beside: &'s dyn Beside, expected: usize) -> Result<Bytes<'s>> {
        if let Some(length) = self.length
            && length != expected as u64
        {
            let expected = format!("{expected} bytes, those of its shape");
            return Err(refuse("length", expected, length));
        }
        let file = beside.file(&self.location)?;
        let head = file.head()?;
        let kind = Kind::of(head);
        // No number begins so.
        if matches!(kind, Kind::GitLfs | Kind::Html) {
            let error = kind.refuse("the numbers of arrays", head);
            return Err(error.within(&format!("external data in {:?}", self.location)));
        }
        let start = usize::try_from(self.offset).unwrap_or(usize::MAX);
        file.part(start, expected).ok_or_else(|| {
            let expected = format!("{expected} bytes from byte {} on", self.offset);
            let found = format!("a file of {} bytes", file.len());
            Error::new(format!("{:?}", self.location), expected, found)
        })
    }
}

/// The name of a file in the folder of the model, or in a folder in it; without `.` and doubled slashes. All that could
/// lead elsewhere is refused, on every system: what is a name here is a drive or a path on another one.
pub fn clean(location: &str) -> Result<String> {
    let refused = |found: &str| {
        let expected =
            "a file in the folder of the model, as a relative path with / and without ..";
        Err(refuse(LOCATION, expected, format!("{location:?}, {found}")))
    };
    if location.starts_with('/') {
        return refused("an absolute path");
    }
    if location.contains('\\') {
        return refused("a backslash");
    }
    if location.contains(':') {
        return refused("a colon, as of a drive or an address");
    }
    if location.chars().any(char::is_control) {
        return refused("a control character");
    }
    let parts = location.split('/');
    let parts: Vec<_> = parts.filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return refused("a step out of a folder");
    }
    if parts.is_empty() || location.ends_with('/') {
        return refused("no name of a file");
    }
    Ok(parts.join("/"))
}

fn refuse(key: &str, expected: impl ToString, found: impl ToString) -> Error {
    Error::new(format!("external data: {key}"), expected, found)
}
