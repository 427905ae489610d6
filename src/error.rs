//! `Error`: what went wrong, with what was expected and what was found.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// The result of every function in this crate that can fail.
pub type Result<T> = core::result::Result<T, Error>;

/// The reason why a call was refused, with what was expected and what was found.
///
/// Every public function checks its arguments before it changes anything: after an `Err`, states, streams and sessions are
/// as they were. The exception is a [`Cell`](crate::Cell) of your own that breaks its contract during a call. Even then a
/// session keeps its old state, but a stream must be given a new one.
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
    /// The length of an axis differs from the one that is required.
    Shape {
        /// The name of the array: `"input"`, `"kernel"`, `"mask"`, `"state.h"` …
        array: &'static str,
        /// The name of the axis: `"samples"`, `"timesteps"`, `"features"`, `"units"`, `"rows"`, `"columns"`.
        axis: &'static str,
        /// The length that the axis must have.
        expected: usize,
        /// The length that the axis has.
        found: usize,
    },
    /// The number of axes of an array differs from the one that is required.
    Rank {
        /// The name of the array.
        array: &'static str,
        /// The number of axes that the array must have, perhaps with their names.
        expected: &'static str,
        /// The number of axes that the array has.
        found: usize,
    },
    /// A sample does not exist.
    Sample {
        /// The index of the sample.
        sample: usize,
        /// The number of samples that exist.
        samples: usize,
    },
    /// An entry of `lengths` is larger than the number of timesteps.
    Length {
        /// The index of the sample.
        sample: usize,
        /// The number of timesteps of the input.
        timesteps: usize,
        /// The length that was given for the sample.
        found: usize,
    },
    /// An argument has an invalid value.
    Value {
        /// The name of the argument.
        name: &'static str,
        /// The values that are valid.
        expected: String,
        /// The value that was given.
        found: String,
    },
    /// A part of a composed layer refused the call.
    Part {
        /// The name of the part: `"forward layer"`, `"upper layer"` …
        part: &'static str,
        /// The error of the part.
        source: Box<Error>,
    },
    /// A layer of a [`Model`](crate::Model) refused its input.
    Layer {
        /// The index of the layer in the model, from 0.
        index: usize,
        /// The name of the layer.
        name: String,
        /// The error of the layer.
        source: Box<Error>,
    },
    /// The content of a file differs from what is required.
    #[cfg(feature = "files")]
    File {
        /// The place in the file, from the outside in: `"model.weights.h5: /layers/lstm/cell/vars/0"` …
        part: String,
        /// The content that is required.
        expected: String,
        /// The content that was found.
        found: String,
    },
    /// A file describes something that cannot be made.
    #[cfg(feature = "files")]
    InFile {
        /// The place in the file, from the outside in.
        part: String,
        /// The error that prevented it.
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

    /// Adds the name of a file, or of a part of one, to an error.
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

/// Lets `?` follow ndarray's own functions, such as `from_shape_vec` and `into_dimensionality`.
impl From<ndarray::ShapeError> for Error {
    fn from(error: ndarray::ShapeError) -> Self {
        Error::value("shape", "one that ndarray can give this array", error)
    }
}

/// Adds the path of the file to the errors of `read`.
#[cfg(all(feature = "std", feature = "files"))]
#[allow(dead_code)] // without a format no file is read
pub(crate) fn within<T>(path: &std::path::Path, read: impl FnOnce() -> Result<T>) -> Result<T> {
    read().map_err(|error| error.within(&path.display().to_string()))
}

/// Adds the name of a part of a composed layer to an error.
pub(crate) fn of_part<T>(part: &'static str, result: Result<T>) -> Result<T> {
    result.map_err(|source| Error::Part {
        part,
        source: Box::new(source),
    })
}

/// Prints the kind of the error and its message. A `main` that returns a [`Result`] prints this, and so does `unwrap`.
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

/// `Display` prints the whole chain of layers and files, so `source` does not repeat it.
impl core::error::Error for Error {}

/// Says that a layer takes another number of inputs.
pub(crate) fn wrong_inputs(expected: impl alloc::string::ToString, found: usize) -> Error {
    Error::value("number of inputs", expected, found)
}

/// Refuses an axis whose length is not `expected`.
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

/// Formats a number of axes for a message.
pub(crate) fn axes(count: usize) -> String {
    let s = if count == 1 { "axis" } else { "axes" };
    alloc::format!("{count} {s}")
}

/// Refuses an array of another shape.
#[cfg(feature = "train")]
pub(crate) fn check_shape(array: &'static str, expected: &[usize], found: &[usize]) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (
        alloc::format!("of shape {expected:?}"),
        alloc::format!("of shape {found:?}"),
    );
    Err(Error::value(array, expected, found))
}

/// Refuses an input (samples, timesteps, features) that does not have `expected` features.
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

/// Makes the error for a kernel whose outputs come first, as in PyTorch.
pub(crate) fn transposed(
    array: &'static str,
    expected: impl ToString,
    found: impl fmt::Debug,
) -> Error {
    let found =
        alloc::format!("{found:?}, which looks transposed (PyTorch's way, see doc::layouts)");
    Error::value(array, expected, found)
}

/// Refuses an input that has another number of samples than the kept state of a session.
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

/// Refuses a rate of dropout that is no probability.
pub(crate) fn check_rate(name: &'static str, rate: f64) -> Result<()> {
    if (0.0..=1.0).contains(&rate) {
        return Ok(());
    }
    Err(Error::value(name, "a number from 0 to 1", rate))
}

/// Refuses the shape of an array for which there is not enough memory. Making it would panic or abort.
#[inline]
pub(crate) fn check_size(array: &'static str, shape: &[usize]) -> Result<()> {
    /// Up to this many numbers the allocator is not asked: asking would cost more than it saves.
    const SMALL: usize = 1 << 27;
    let count = |len: usize, &n: &usize| len.checked_mul(n.max(1));
    match shape.iter().try_fold(1, count) {
        Some(len) if len <= SMALL => Ok(()),
        len => check_large(array, shape, len),
    }
}

/// [`check_size`] for an array of `len` numbers; `None` if that number overflows. Even for an array without elements, the
/// product of its other axes must be a valid size.
#[cold]
fn check_large(array: &'static str, shape: &[usize], len: Option<usize>) -> Result<()> {
    /// The size of the largest number type.
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
