//! What can go wrong, each time with what was expected and what was found.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// The result of everything in this crate that can fail.
pub type Result<T> = core::result::Result<T, Error>;

/// Why a call was refused.
///
/// Every public door checks its arguments first and changes nothing if it refuses: an `Err` leaves states, streams and
/// sessions as they were. (Only a [`Cell`](crate::Cell) of your own that breaks its word can fail in the middle of a call:
/// a session keeps its state even then, a stream has to be given a new one.)
///
/// ```
/// use recurrent::{Lstm, Recurrent};
/// let lstm = Lstm::<f32>::builder(2, 3).build()?;
/// let x = ndarray::Array3::zeros((1, 4, 5));
/// assert_eq!(lstm.run(&x).last().unwrap_err().to_string(), "input has 5 features, expected 2");
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// An axis of an array is longer or shorter than it must be.
    Shape {
        /// Which array: `"input"`, `"kernel"`, `"mask"`, `"state.h"` …
        array: &'static str,
        /// Which axis of it: `"samples"`, `"timesteps"`, `"features"`, `"units"`, `"rows"`, `"columns"`.
        axis: &'static str,
        /// The length that it must have.
        expected: usize,
        /// The length that it has.
        found: usize,
    },
    /// An array has another number of axes than it must have.
    Rank {
        /// Which array.
        array: &'static str,
        /// The axes that it must have.
        expected: &'static str,
        /// How many it has.
        found: usize,
    },
    /// A sample was named that is not there.
    Sample {
        /// The index that was asked for.
        sample: usize,
        /// How many samples there are.
        samples: usize,
    },
    /// An entry of `lengths` is larger than the number of timesteps.
    Length {
        /// The sample whose length it is.
        sample: usize,
        /// The timesteps of the input.
        timesteps: usize,
        /// The length that was given.
        found: usize,
    },
    /// An argument has a value that cannot be right.
    Value {
        /// Which argument.
        name: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// What one part of a composed layer refused.
    Part {
        /// Which one: `"forward layer"`, `"upper layer"` …
        part: &'static str,
        /// Why.
        source: Box<Error>,
    },
    /// A layer of a [`Model`](crate::Model) refused its input.
    Layer {
        /// Its place, from 0.
        index: usize,
        /// Its name.
        name: String,
        /// Why.
        source: Box<Error>,
    },
    /// A file does not hold what it must hold there.
    #[cfg(feature = "files")]
    File {
        /// Where in the file, from the outside in: `"model.weights.h5: /layers/lstm/cell/vars/0"` …
        part: String,
        /// What it must hold.
        expected: String,
        /// What it holds.
        found: String,
    },
    /// What a file describes cannot be made.
    #[cfg(feature = "files")]
    InFile {
        /// Where in the file, from the outside in.
        part: String,
        /// Why.
        source: Box<Error>,
    },
}

impl Error {
    #[cfg(feature = "files")]
    pub(crate) fn file(part: impl ToString, expected: impl ToString, found: impl ToString) -> Self {
        Error::File {
            part: part.to_string(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    /// Says in which file, or which part of one, something went wrong.
    #[cfg(feature = "files")]
    #[cfg_attr(not(feature = "keras"), allow(dead_code))] // not every format has parts
    #[must_use]
    pub(crate) fn within(self, outer: &str) -> Self {
        match self {
            Error::File {
                part,
                expected,
                found,
            } => Error::File {
                part: alloc::format!("{outer}: {part}"),
                expected,
                found,
            },
            Error::InFile { part, source } => Error::InFile {
                part: alloc::format!("{outer}: {part}"),
                source,
            },
            other => Error::InFile {
                part: outer.to_string(),
                source: Box::new(other),
            },
        }
    }

    pub(crate) fn value(name: &'static str, expected: impl ToString, found: impl ToString) -> Self {
        Error::Value {
            name,
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}

#[cfg(feature = "files")]
impl From<crate::format::Error> for Error {
    fn from(error: crate::format::Error) -> Self {
        Error::file(error.part, error.expected, error.found)
    }
}

/// So that `?` works behind ndarray's own functions (`from_shape_vec`, `into_dimensionality` …).
impl From<ndarray::ShapeError> for Error {
    fn from(error: ndarray::ShapeError) -> Self {
        Error::value("shape", "one that ndarray can give this array", error)
    }
}

/// Says in errors which file they are about.
#[cfg(all(feature = "std", feature = "files"))]
#[allow(dead_code)] // without a format there is no file
pub(crate) fn within<T>(path: &std::path::Path, read: impl FnOnce() -> Result<T>) -> Result<T> {
    read().map_err(|error| error.within(&path.display().to_string()))
}

/// Says which part of a composed layer an error is about.
pub(crate) fn of_part<T>(part: &'static str, result: Result<T>) -> Result<T> {
    result.map_err(|source| Error::Part {
        part,
        source: Box::new(source),
    })
}

/// The kind of the error and its sentence: a `main` that returns a [`Result`], and an `unwrap`, print this.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Error::Shape { .. } => "Shape",
            Error::Rank { .. } => "Rank",
            Error::Sample { .. } => "Sample",
            Error::Length { .. } => "Length",
            Error::Value { .. } => "Value",
            Error::Part { .. } => "Part",
            Error::Layer { .. } => "Layer",
            #[cfg(feature = "files")]
            Error::File { .. } => "File",
            #[cfg(feature = "files")]
            Error::InFile { .. } => "InFile",
        };
        write!(f, "{kind}({self})")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Shape {
                array,
                axis,
                expected,
                found,
            } => {
                write!(f, "{array} has {found} ")?;
                match axis.split_once(' ').unwrap_or((axis, "")) {
                    (things, rest) if *found == 1 => {
                        let space = if rest.is_empty() { "" } else { " " };
                        write!(f, "{}{space}{rest}", things.trim_end_matches('s'))?;
                    }
                    _ => f.write_str(axis)?,
                }
                write!(f, ", expected {expected}")
            }
            Error::Rank {
                array,
                expected,
                found,
            } => {
                write!(f, "{array} has {}, expected {expected}", axes(*found))
            }
            Error::Sample { sample, samples } => {
                write!(
                    f,
                    "sample {sample} does not exist: there are {samples}, counted from 0"
                )
            }
            Error::Length {
                sample,
                timesteps,
                found,
            } => {
                write!(
                    f,
                    "lengths[{sample}] is {found}, but the input has {timesteps} timestep{}",
                    if *timesteps == 1 { "" } else { "s" }
                )
            }
            Error::Value {
                name,
                expected,
                found,
            } => write!(f, "{name} is {found}, expected {expected}"),
            Error::Part { part, source } => write!(f, "{part}: {source}"),
            Error::Layer {
                index,
                name,
                source,
            } => write!(f, "layer {index} ({name}): {source}"),
            #[cfg(feature = "files")]
            Error::File {
                part,
                expected,
                found,
            } => write!(f, "{part}: found {found}, expected {expected}"),
            #[cfg(feature = "files")]
            Error::InFile { part, source } => write!(f, "{part}: {source}"),
        }
    }
}

/// `Display` says the whole chain of layers and files, so `source` does not say it again.
impl core::error::Error for Error {}

/// Says that a layer takes another number of inputs.
pub(crate) fn wrong_inputs(expected: impl alloc::string::ToString, found: usize) -> Error {
    Error::value("number of inputs", expected, found)
}

/// Refuses an axis of another length than `expected`.
pub(crate) fn check(
    array: &'static str,
    axis: &'static str,
    expected: usize,
    found: usize,
) -> Result<()> {
    if expected == found {
        Ok(())
    } else {
        Err(Error::Shape {
            array,
            axis,
            expected,
            found,
        })
    }
}

/// So many axes, as messages count them.
pub(crate) fn axes(count: usize) -> String {
    let s = if count == 1 { "axis" } else { "axes" };
    alloc::format!("{count} {s}")
}

/// Refuses an input (samples, timesteps, features) with another number of features than `expected`.
#[inline]
pub(crate) fn check_features(expected: usize, shape: (usize, usize, usize)) -> Result<()> {
    if expected == shape.2 {
        return Ok(());
    }
    Err(wrong_features(expected, shape))
}

#[cold]
#[inline(never)]
fn wrong_features(expected: usize, shape: (usize, usize, usize)) -> Error {
    if expected == shape.1 {
        let expected = alloc::format!("(samples, timesteps, features) with {expected} features");
        let found = alloc::format!("{shape:?}, whose last two axes look swapped");
        return Error::value("input", expected, found);
    }
    Error::Shape {
        array: "input",
        axis: "features",
        expected,
        found: shape.2,
    }
}

/// The error of a kernel that has its outputs first, as PyTorch has them.
pub(crate) fn transposed(
    array: &'static str,
    expected: impl ToString,
    found: impl fmt::Debug,
) -> Error {
    let found =
        alloc::format!("{found:?}, which looks transposed (PyTorch's way, see doc::layouts)");
    Error::value(array, expected, found)
}

/// Refuses another number of samples than that of the state that a session keeps.
pub(crate) fn check_kept(kept: usize, found: usize) -> Result<()> {
    if kept == found {
        return Ok(());
    }
    Err(wrong_samples(kept, found))
}

#[cold]
#[inline(never)]
fn wrong_samples(kept: usize, found: usize) -> Error {
    let s = if found == 1 { "" } else { "s" };
    let expected = alloc::format!(
        "of {kept}, since the session keeps the state of {kept}: call its `reset`, or make another session"
    );
    Error::value("input", expected, alloc::format!("of {found} sample{s}"))
}

/// Refuses to make an array that this machine has not the memory for (making it would panic or abort).
#[inline]
pub(crate) fn check_size(array: &'static str, shape: &[usize]) -> Result<()> {
    /// Up to here asking would take longer than it is worth.
    const SMALL: usize = 1 << 27;
    let count = |len: usize, &n: &usize| len.checked_mul(n.max(1));
    match shape.iter().try_fold(1, count) {
        Some(len) if len <= SMALL => Ok(()),
        len => check_large(array, shape, len),
    }
}

/// The same for an array of `len` numbers, if they can be counted. One without elements must still have a size that can be
/// counted without the axes of length 0.
#[cold]
fn check_large(array: &'static str, shape: &[usize], len: Option<usize>) -> Result<()> {
    /// No number is larger.
    const BYTES: usize = 8;
    let bytes = len.and_then(|len| len.checked_mul(BYTES));
    let bytes = bytes.filter(|&bytes| isize::try_from(bytes).is_ok());
    if bytes.is_some_and(|bytes| {
        shape.contains(&0) || Vec::<u8>::new().try_reserve_exact(bytes).is_ok()
    }) {
        return Ok(());
    }
    let expected = "one that fits into the memory of this machine";
    let found = alloc::format!("{shape:?} for the {array}");
    Err(Error::value("shape", expected, found))
}
