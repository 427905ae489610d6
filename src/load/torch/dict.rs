//! `Dict`: the arrays of a file under one prefix, without those that are ignored.

use crate::format::safetensors::File;
use crate::format::{Arrays, Error, RawArray, Result};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A state dict: arrays under names, perhaps a part of those in the file.
#[derive(Clone)]
pub(super) struct Dict<'a> {
    file: Arc<File<'a>>,
    /// What every name begins with, and is called without.
    root: String,
    ignored: Vec<Ignored>,
}

/// What is ignored, by its name in the file.
#[derive(Clone)]
enum Ignored {
    Name(String),
    Prefix(String),
}

impl Ignored {
    fn has(&self, name: &str) -> bool {
        match self {
            Ignored::Name(one) => name == one,
            Ignored::Prefix(prefix) => name.starts_with(&**prefix),
        }
    }
}

impl<'a> Dict<'a> {
    pub fn new(file: File<'a>) -> Self {
        Dict {
            file: Arc::new(file),
            root: String::new(),
            ignored: Vec::new(),
        }
    }

    /// The part whose names begin so.
    pub fn under(&self, prefix: &str) -> Self {
        Dict {
            root: self.full(prefix),
            ..self.clone()
        }
    }

    /// All of it, under the names of the file.
    pub fn whole(&self) -> Self {
        Dict {
            root: String::new(),
            ..self.clone()
        }
    }

    pub fn ignore(&mut self, name: &str) {
        let name = self.full(name);
        self.ignored.push(Ignored::Name(name));
    }

    pub fn ignore_prefix(&mut self, prefix: &str) {
        let prefix = self.full(prefix);
        self.ignored.push(Ignored::Prefix(prefix));
    }

    /// What the file calls an array.
    pub fn full(&self, name: &str) -> String {
        format!("{}{name}", self.root)
    }

    /// A text of the file's metadata.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.file.text(key)
    }

    fn is_ignored(&self, full: &str) -> bool {
        self.ignored.iter().any(|ignored| ignored.has(full))
    }
}

impl Arrays for Dict<'_> {
    fn names(&self) -> Result<Vec<String>> {
        let mut names = self.file.names()?;
        names.retain(|name| !self.is_ignored(name));
        let own = names
            .iter()
            .filter_map(|name| name.strip_prefix(&*self.root));
        Ok(own.map(String::from).collect())
    }

    fn tensor(&self, name: &str) -> Result<RawArray<'_>> {
        let name = self.full(name);
        if self.is_ignored(&name) {
            let expected = "an array that is not ignored";
            return Err(Error::new(name, expected, "one that is"));
        }
        self.file.tensor(&name)
    }
}
