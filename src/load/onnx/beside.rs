//! `Files`: those that a model keeps arrays in, beside its own.

use crate::format::onnx::{Beside, clean};
use crate::format::{Bytes, Error, Result};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What was handed in, and the folder of the model if it has one.
#[derive(Clone, Default)]
pub(super) struct Files<'a> {
    given: BTreeMap<String, Cow<'a, [u8]>>,
    /// The largest file, in bytes.
    most: u64,
    #[cfg(feature = "std")]
    folder: Option<alloc::sync::Arc<Folder>>,
}

impl<'a> Files<'a> {
    pub fn new(most: u64) -> Self {
        Files {
            most,
            ..Files::default()
        }
    }

    /// These bytes stand for the file of that name.
    pub fn give(&mut self, location: String, bytes: Cow<'a, [u8]>) {
        let location = clean(&location).unwrap_or(location);
        self.given.insert(location, bytes);
    }

    /// The bytes of all of them, of those that are there.
    pub fn len(&self) -> u64 {
        let given = self.given.values().map(|bytes| bytes.len() as u64);
        let len = given.fold(0, u64::saturating_add);
        #[cfg(feature = "std")]
        if let Some(folder) = &self.folder {
            return len.saturating_add(folder.len());
        }
        len
    }
}

impl Beside for Files<'_> {
    fn file(&self, location: &str) -> Result<Bytes<'_>> {
        if let Some(bytes) = self.given.get(location) {
            let length = bytes.len() as u64;
            if length > self.most {
                let expected = format!("at most {} bytes", self.most);
                return Err(Error::new(location, expected, format!("{length} bytes")));
            }
            return Ok(Bytes::Memory(bytes));
        }
        #[cfg(feature = "std")]
        if let Some(folder) = &self.folder {
            return folder.file(location).map_err(|error| {
                let place = folder.path().join(location);
                error.within(&format!("external data in {}", place.display()))
            });
        }
        let given: Vec<_> = self.given.keys().collect();
        let expected = format!(
            "the bytes of {location:?} (`File::external({location:?}, bytes)`, or `File::load`)"
        );
        let found = if given.is_empty() {
            "none".into()
        } else {
            format!("those of {given:?}")
        };
        Err(Error::new("external data", expected, found))
    }
}

#[cfg(feature = "std")]
pub(super) use folder::Folder;

#[cfg(feature = "std")]
mod folder {
    use super::Files;
    use crate::format::disk::{length, unreadable};
    use crate::format::onnx::clean;
    use crate::format::pages::Pages;
    use crate::format::{Bytes, Error, Result};
    use alloc::collections::{BTreeMap, BTreeSet};
    use alloc::string::String;
    use alloc::sync::Arc;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::OnceLock;

    /// The folder of a model, and the files in it that the model names.
    pub(crate) struct Folder {
        /// The model's own path.
        model: PathBuf,
        /// Opened when an array of them is wanted.
        files: BTreeMap<String, OnceLock<Pages>>,
        most: u64,
        len: OnceLock<u64>,
    }

    impl Files<'_> {
        /// Those in the folder of the model at this path.
        pub fn around(&mut self, model: &Path, locations: &BTreeSet<String>) {
            let names = locations.iter().filter_map(|location| clean(location).ok());
            self.folder = Some(Arc::new(Folder {
                model: model.to_path_buf(),
                files: names.map(|name| (name, OnceLock::new())).collect(),
                most: self.most,
                len: OnceLock::new(),
            }));
        }
    }

    impl Folder {
        pub fn path(&self) -> &Path {
            match self.model.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            }
        }

        /// What is too large or not there is refused when it is opened.
        pub fn len(&self) -> u64 {
            *self.len.get_or_init(|| {
                let paths = self.files.keys().map(|name| self.path().join(name));
                let lengths = paths.filter_map(|path| length(&path, self.most).ok());
                lengths.fold(0, u64::saturating_add)
            })
        }

        pub fn file(&self, location: &str) -> Result<Bytes<'_>> {
            let unknown = || Error::new("reading", "a file that the model names", "another one");
            let place = self.files.get(location).ok_or_else(unknown)?;
            if let Some(pages) = place.get() {
                return Ok(pages.into());
            }
            let pages = self.open(location)?;
            Ok(place.get_or_init(|| pages).into())
        }

        /// The path is followed to its end before anything is opened: a link may lead out of the folder.
        fn open(&self, location: &str) -> Result<Pages> {
            let folder = fs::canonicalize(self.path()).map_err(unreadable)?;
            let path = fs::canonicalize(folder.join(location)).map_err(unreadable)?;
            // A model that is a link lies where it leads: caches of downloads have links to files in one folder.
            let model = fs::canonicalize(&self.model).ok();
            let home = model.as_deref().and_then(Path::parent);
            if !path.starts_with(&folder) && !home.is_some_and(|home| path.starts_with(home)) {
                let expected = "a file in the folder of the model (or its bytes: `File::external`)";
                return Err(Error::new("reading", expected, "a link to another folder"));
            }
            if model.is_some_and(|model| model == path) {
                let expected = "a file beside the model";
                return Err(Error::new("reading", expected, "the model itself"));
            }
            let about = fs::metadata(&path).map_err(unreadable)?;
            if !about.is_file() {
                let found = if about.is_dir() {
                    "a folder"
                } else {
                    "a device or a pipe"
                };
                return Err(Error::new("reading", "a file", found));
            }
            Pages::on_disk(&path, self.most)
        }
    }
}
