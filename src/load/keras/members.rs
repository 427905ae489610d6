//! The members of a `.keras` archive, or of a directory of the same files.

#[cfg(feature = "std")]
use crate::error::Error;
use crate::error::Result;
use crate::format::Data;
#[cfg(feature = "std")]
use crate::format::kind::{self, Kind};
use crate::format::zip::Archive;
use alloc::string::String;

/// What a model is made of: configuration, metadata and weights.
pub enum Members<'a> {
    Archive(Archive<'a>),
    #[cfg(feature = "std")]
    Directory(&'a std::path::Path, &'a crate::Limits),
}

impl<'a> Members<'a> {
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Members::Archive(archive) => archive.contains(name),
            #[cfg(feature = "std")]
            Members::Directory(path, _) => path.join(name).exists(),
        }
    }

    pub fn data(&self, name: &str) -> Result<Data<'a>> {
        match self {
            Members::Archive(archive) => archive.data(name),
            #[cfg(feature = "std")]
            Members::Directory(path, limits) => {
                let most = limits.file_bytes;
                let bytes = crate::format::disk::bytes(&path.join(name), most);
                bytes.map(Data::Made).map_err(|error| error.within(name))
            }
        }
    }

    /// A member that is a text, which is shorter than others may be.
    pub fn text(&self, name: &str) -> Result<String> {
        match self {
            Members::Archive(archive) => archive.text(name),
            #[cfg(feature = "std")]
            Members::Directory(path, limits) => {
                let most = limits.text_bytes as u64;
                let bytes = crate::format::disk::bytes(&path.join(name), most);
                let text = bytes.and_then(text);
                text.map_err(|error| error.within(name))
            }
        }
    }
}

#[cfg(feature = "std")]
/// The text of a file, which is JSON.
pub fn text(bytes: alloc::vec::Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let not_text = Error::file("text", "UTF-8", error.utf8_error());
        kind::explain(not_text, &[Kind::Json], "JSON", error.as_bytes())
    })
}
