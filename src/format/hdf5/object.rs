//! `Object`: a group or an array.

use super::super::error::{Error, Result};
use super::super::number::Number;
use super::super::raw_array::RawArray;
use super::attribute::{self, Attribute};
use super::dataspace;
use super::datatype::Datatype;
use super::header::{self, Message, kind};
use super::layout::Layout;
use super::links::{Groups, Links, Target};
use super::place::Place;
use super::unlink::{self, Edit};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

/// Paths are made of names of the file, again and again; no model has longer ones.
const PATH_BYTES: usize = 1024;

/// A group or an array of a file.
pub struct Object<'f, 'a> {
    groups: &'f Groups<'a>,
    path: String,
    address: u64,
    messages: Vec<Message<'a>>,
}

/// What the messages of an array tell.
struct Parts<'a> {
    shape: Vec<usize>,
    number: Number,
    big_endian: bool,
    layout: Layout<'a>,
}

impl<'f, 'a> Object<'f, 'a> {
    pub(super) fn read(groups: &'f Groups<'a>, path: String, address: u64) -> Result<Self> {
        let messages = header::read(&groups.file, address).map_err(|error| error.within(&path))?;
        Ok(Object {
            groups,
            path,
            address,
            messages,
        })
    }

    /// Its path, from the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its address, which no other object of the file has.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// Whether it is a group; else it is an array (or a datatype, which has no use here).
    pub fn is_group(&self) -> bool {
        self.messages.iter().any(|message| {
            matches!(
                message.kind,
                kind::SYMBOL_TABLE | kind::LINK_INFO | kind::LINK
            )
        })
    }

    /// The names in it, sorted; none in an array.
    pub fn children(&self) -> Result<Vec<&'a str>> {
        Ok(self.links()?.keys().copied().collect())
    }

    /// The group or array at a path of names between slashes, from here; `None` if there is none.
    pub fn find(&self, path: &str) -> Result<Option<Object<'f, 'a>>> {
        let mut names = path.split('/').filter(|name| !name.is_empty()).peekable();
        if names.peek().is_none() {
            return Object::read(self.groups, self.path.clone(), self.address).map(Some);
        }
        let mut found: Option<Object> = None;
        for name in names {
            let here = found.as_ref().unwrap_or(self);
            let links = here.links()?;
            let Some(target) = links.get(name) else {
                return Ok(None);
            };
            let path = join(&here.path, name)?;
            match *target {
                Target::Hard(address) => found = Some(Object::read(self.groups, path, address)?),
                Target::Other(what) => return Err(Error::new(path, "a hard link", what)),
            }
        }
        Ok(found)
    }

    /// The same, but an `Err` if there is none.
    pub fn object(&self, path: &str) -> Result<Object<'f, 'a>> {
        let missing = || Error::new(&self.path, format!("a group or an array {path:?}"), "none");
        self.find(path)?.ok_or_else(missing)
    }

    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Result<Option<Attribute<'f, 'a>>> {
        let mut found = None;
        attribute::walk(&self.groups.file, &self.messages, |attribute| {
            if attribute.name() == name {
                found = Some(attribute);
            }
        })
        .map_err(|error| error.within(&self.path))?;
        Ok(found)
    }

    /// The names of its attributes, in the order of the file.
    pub fn attributes(&self) -> Result<Vec<&'a str>> {
        let mut names = Vec::new();
        attribute::walk(&self.groups.file, &self.messages, |attribute| {
            names.push(attribute.name());
        })
        .map_err(|error| error.within(&self.path))?;
        Ok(names)
    }

    /// The text of an attribute; `None` if there is no such attribute.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>> {
        let text = self.attribute(name)?.map(|attribute| attribute.text());
        text.transpose().map_err(|error| error.within(&self.path))
    }

    /// The strings of an attribute; `None` if there is no such attribute.
    ///
    /// h5py cannot store more than 64 KiB in one, so Keras splits long lists into `name0`, `name1` …
    pub fn texts(&self, name: &str) -> Result<Option<Vec<&'a str>>> {
        let mut found: Option<Vec<&'a str>> = None;
        let mut append = |attribute: Attribute<'f, 'a>| -> Result<()> {
            let texts = attribute
                .texts()
                .map_err(|error| error.within(&self.path))?;
            found.get_or_insert_default().extend(texts);
            Ok(())
        };
        if let Some(attribute) = self.attribute(name)? {
            append(attribute)?;
            return Ok(found);
        }
        // All at once: looking each of them up would read the header as often as there are parts.
        let mut parts = Vec::new();
        attribute::walk(&self.groups.file, &self.messages, |attribute| {
            let number = attribute.name().strip_prefix(name);
            if let Some(number) = number.and_then(|number| number.parse::<usize>().ok()) {
                parts.push((number, attribute));
            }
        })
        .map_err(|error| error.within(&self.path))?;
        parts.sort_by_key(|&(number, _)| number);
        for (expected, (number, attribute)) in parts.into_iter().enumerate() {
            if number != expected {
                let expected = format!("an attribute \"{name}{expected}\"");
                return Err(Error::new(
                    &self.path,
                    expected,
                    format!("\"{}\"", attribute.name()),
                ));
            }
            append(attribute)?;
        }
        Ok(found)
    }

    /// The array that it is; an `Err` if it is a group, or an array of something else than numbers.
    pub fn tensor(&self) -> Result<RawArray<'f>> {
        self.array().map_err(|error| {
            if error.part == self.path {
                error
            } else {
                error.within(&self.path)
            }
        })
    }

    fn array(&self) -> Result<RawArray<'f>> {
        let file = &self.groups.file;
        let Parts {
            shape,
            number,
            big_endian,
            layout,
        } = self.parts()?;
        let (path, claimed) = (self.path.clone(), shape.clone());
        let bytes = move || layout.bytes(file, &path, &claimed, number.size());
        Ok(RawArray::new(self.path.clone(), shape, number, bytes)?.big_endian(big_endian))
    }

    /// Where its numbers are in the file, so that they can be overwritten.
    pub fn place(&self) -> Result<Place> {
        let file = &self.groups.file;
        let parts = self.parts()?;
        if matches!(parts.layout, Layout::Compact(_)) && header::has_checksum(file, self.address)? {
            let expected = "numbers that can be overwritten in their place";
            let found = "numbers in a header that has a checksum";
            return Err(Error::new(&self.path, expected, found));
        }
        let Parts {
            shape,
            number,
            big_endian,
            layout,
        } = parts;
        Place::find(file, &self.path, &layout, &shape, (number, big_endian))
    }

    /// What must be overwritten so that the group has no link of this name any more, as the library itself removes one: the
    /// space of what it led to stays where it is. `None` if there is no such link.
    pub fn unlink(&self, name: &str) -> Result<Option<Vec<Edit>>> {
        if !self.links()?.contains_key(name) {
            return Ok(None);
        }
        let edits = unlink::unlink(&self.groups.file, &self.messages, name);
        edits.map(Some).map_err(|error| error.within(&self.path))
    }

    fn parts(&self) -> Result<Parts<'a>> {
        if self.is_group() {
            return Err(Error::new(&self.path, "an array", "a group"));
        }
        if self
            .messages
            .iter()
            .any(|message| message.kind == kind::EXTERNAL_FILES)
        {
            return Err(Error::new(
                &self.path,
                "an array in this file",
                "one in other files",
            ));
        }
        let file = &self.groups.file;
        let shape = dataspace::read(file, self.message(kind::DATASPACE, "dataspace")?)?;
        let (number, big_endian) = match Datatype::read(self.message(kind::DATATYPE, "datatype")?)?
        {
            Datatype::Number(number, big_endian) => (number, big_endian),
            // NumPy has no such number, so Keras writes its bytes and says what they are.
            Datatype::Opaque(2) if self.text("dtype")? == Some("bfloat16") => (Number::BF16, false),
            other => return Err(Error::new(&self.path, "an array of numbers", other.what())),
        };
        let filters = self
            .messages
            .iter()
            .find(|message| message.kind == kind::FILTERS);
        let filters = filters.map_or(&[][..], |message| message.body);
        let layout = Layout::read(file, self.message(kind::LAYOUT, "layout")?, filters)?;
        Ok(Parts {
            shape,
            number,
            big_endian,
            layout,
        })
    }

    fn message(&self, kind: u16, what: &str) -> Result<&'a [u8]> {
        let message = self.messages.iter().find(|message| message.kind == kind);
        match message {
            Some(message) if message.shared => Err(Error::new(
                &self.path,
                format!("a {what} of its own"),
                "one that is shared",
            )),
            Some(message) => Ok(message.body),
            None => Err(Error::new(
                &self.path,
                format!("an array with a {what}"),
                "none",
            )),
        }
    }

    pub(super) fn links(&self) -> Result<Rc<Links<'a>>> {
        self.groups
            .links(self.address, &self.messages)
            .map_err(|error| error.within(&self.path))
    }
}

/// The path of the object `name` in the group at `path`.
pub(super) fn join(path: &str, name: &str) -> Result<String> {
    let path = path.trim_end_matches('/');
    if path.len() + name.len() < PATH_BYTES {
        return Ok(format!("{path}/{name}"));
    }
    let found = format!("{} bytes", path.len() + 1 + name.len());
    Err(Error::new(
        "HDF5 groups",
        format!("paths of at most {PATH_BYTES} bytes"),
        found,
    ))
}
