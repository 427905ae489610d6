//! `Error`: what a file must hold in some place, and what it holds there.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

/// The result of reading.
pub type Result<T> = core::result::Result<T, Error>;

/// Why a file was refused.
#[derive(Debug)]
pub struct Error {
    /// Where in the file, from the outside in.
    pub part: String,
    /// What it must hold there.
    pub expected: String,
    /// What it holds there.
    pub found: String,
    /// The error of the operating system, if it had one.
    #[cfg(feature = "std")]
    source: Option<std::io::Error>,
}

impl Error {
    pub(crate) fn new(part: impl ToString, expected: impl ToString, found: impl ToString) -> Self {
        Error {
            part: part.to_string(),
            expected: expected.to_string(),
            found: found.to_string(),
            #[cfg(feature = "std")]
            source: None,
        }
    }

    /// Keeps the error of the operating system that is the reason.
    #[cfg(feature = "std")]
    #[must_use]
    pub(super) fn because(self, source: std::io::Error) -> Self {
        let source = Some(source);
        Error { source, ..self }
    }

    /// Says in which file, or which part of one, something went wrong.
    #[must_use]
    pub(crate) fn within(self, outer: &str) -> Self {
        let part = format!("{outer}: {}", self.part);
        Error { part, ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (part, found, expected) = (&self.part, &self.found, &self.expected);
        write!(f, "{part}: found {found}, expected {expected}")
    }
}

impl core::error::Error for Error {
    #[cfg(feature = "std")]
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
