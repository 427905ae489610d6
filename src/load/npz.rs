//! Reads and writes NumPy files: named arrays (`.npz`) and single arrays (`.npy`).
//!
//! ```
//! use ndarray::array;
//! use recurrent::npz;
//! let x = array![[0.5_f32, -1.0], [2.0, 0.0]].into_dyn();
//! let y = array![1.0_f32, 3.0].into_dyn();
//! let bytes = npz::write(&[("x", x.view()), ("y", y.view())])?; // numpy.load reads them
//!
//! let file = npz::File::read(&bytes)?; // or npz::File::load("arrays.npz")?
//! assert_eq!(file.names(), ["x", "y"]);
//! assert_eq!(file.shape("x")?, [2, 2]);
//! assert_eq!(file.array::<f32>("x")?, x);
//! assert_eq!(file.array::<f64>("y")?, array![1.0, 3.0].into_dyn());
//! assert_eq!(
//!     file.array::<f32>("z").unwrap_err().to_string(),
//!     "npz file: found x, y, expected an array \"z\""
//! );
//! # Ok::<(), recurrent::Error>(())
//! ```
//!
//! The reader accepts booleans, integers and floating-point numbers of 16 to 64 bits, in either byte order and either
//! axis order. Asking for an array of strings, complex numbers or pickled objects is an error. The writer accepts `f32`
//! and `f64`.

use crate::arrays::ToArray;
#[cfg(feature = "std")]
use crate::error::within;
use crate::error::{Error, Result};
#[cfg(feature = "std")]
use crate::format::disk::{self, bytes};
use crate::format::zip::Directory;
use crate::format::{Arrays, RawArray, npy, npz};
use crate::{Element, Limits};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
#[cfg(feature = "std")]
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use ndarray::{ArrayD, ArrayViewD};

/// NumPy's name for an unnamed array in an archive.
const NAMELESS: &str = "arr_0";

/// The named arrays of a NumPy file. The array of a `.npy` file is called `arr_0`.
///
/// Opening reads only the directory. It also checks the decompressed size of all arrays together against
/// [`Limits::inflated_bytes`], so an array can be read any number of times.
pub struct File<'a> {
    /// The name of the file in errors.
    name: Option<String>,
    bytes: Cow<'a, [u8]>,
    limits: Limits,
    /// Of an archive: read once, so that many arrays are not read out of it in as many readings of all their names.
    directory: Option<Arc<Directory>>,
    names: Vec<String>,
}

/// Writes a `.npz` file without compression, like `numpy.savez`.
#[cfg(feature = "std")]
pub fn save<A: Element>(
    path: impl AsRef<std::path::Path>,
    arrays: &[(&str, ArrayViewD<A>)],
) -> Result<()> {
    Ok(disk::write(path.as_ref(), &write(arrays)?)?)
}

/// Returns the bytes of a `.npz` file without compression, like `numpy.savez`. Equal arrays give equal bytes.
pub fn write<A: Element>(arrays: &[(&str, ArrayViewD<A>)]) -> Result<Vec<u8>> {
    pack(arrays, false)
}

/// Returns the bytes of a compressed `.npz` file, like `numpy.savez_compressed`.
pub fn write_compressed<A: Element>(arrays: &[(&str, ArrayViewD<A>)]) -> Result<Vec<u8>> {
    pack(arrays, true)
}

/// Returns the bytes of a `.npy` file, like `numpy.save`.
pub fn write_npy<A: Element>(array: ArrayViewD<A>) -> Vec<u8> {
    npy::write(array.shape(), array.iter().copied())
}

fn pack<A: Element>(arrays: &[(&str, ArrayViewD<A>)], deflate: bool) -> Result<Vec<u8>> {
    let arrays = arrays.iter();
    let arrays = arrays.map(|(name, array)| (*name, write_npy(array.view())));
    Ok(npz::write(arrays, deflate)?)
}

#[cfg(feature = "std")]
impl File<'static> {
    /// Opens the `.npz` or `.npy` file at a path, within the default [`Limits`].
    pub fn load(path: impl AsRef<std::path::Path>) -> Result<Self> {
        Self::load_within(path, &Limits::default())
    }

    /// Opens a file as [`load`](Self::load) does, within these limits.
    pub fn load_within(path: impl AsRef<std::path::Path>, limits: &Limits) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let read = || Self::read_within(bytes(path, limits.file_bytes)?, limits);
        Ok(within(path, read)?.named(name))
    }
}

impl<'a> File<'a> {
    /// Opens the bytes of a `.npz` or `.npy` file, borrowed or owned, within the default [`Limits`].
    pub fn read(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self> {
        Self::read_within(bytes, &Limits::default())
    }

    /// Opens bytes as [`read`](Self::read) does, within these limits.
    pub fn read_within(bytes: impl Into<Cow<'a, [u8]>>, limits: &Limits) -> Result<Self> {
        let bytes = bytes.into();
        let (directory, names) = if is_npy(&bytes) {
            npy::open(&bytes, limits)?;
            (None, [String::from(NAMELESS)].into())
        } else {
            let archive = npz::File::open(&bytes, limits)?;
            archive.check_inflated()?;
            let mut names = archive.names()?;
            // Sorted with its extension, `a-b.npy` comes before `a.npy`.
            names.sort_unstable();
            (Some(Arc::clone(archive.directory())), names)
        };
        Ok(File {
            name: None,
            bytes,
            limits: limits.clone(),
            directory,
            names,
        })
    }

    /// Sets the name of the file in errors. By default it is the path if the file was [loaded](Self::load), and empty if it
    /// was read from bytes.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The names of all arrays, sorted.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The shape of the array of this name, without reading its numbers.
    pub fn shape(&self, name: &str) -> Result<Vec<usize>> {
        self.with(name, |tensor| Ok(tensor.shape().to_vec()))
    }

    /// The numbers of the array of this name, each converted to the nearest `A`.
    pub fn array<A: Element>(&self, name: &str) -> Result<ArrayD<A>> {
        self.with(name, |tensor| {
            self.check_room(&tensor, size_of::<A>())?;
            tensor.numbers()
        })
    }

    /// The integers of the array of this name, exactly. An array of floating-point numbers is an error.
    pub fn integers(&self, name: &str) -> Result<ArrayD<i64>> {
        self.with(name, |tensor| {
            self.check_room(&tensor, size_of::<i64>())?;
            tensor.integers()
        })
    }

    /// Refuses an array whose numbers are inflated, and would take more than inflating may once they are wide.
    fn check_room(&self, tensor: &RawArray, element: usize) -> Result<()> {
        let length = tensor.shape().iter().map(|&n| n as u64);
        let found = length.fold(element as u64, u64::saturating_mul);
        // What is not inflated is at most eight times as wide as it is in the file.
        let most = self.limits.inflated_bytes.max(8 * self.bytes.len() as u64);
        if found <= most {
            return Ok(());
        }
        let expected = format!("at most {most} inflated bytes");
        Err(Error::file(
            tensor.name(),
            expected,
            format!("{found} bytes"),
        ))
    }

    fn with<T>(&self, name: &str, take: impl FnOnce(RawArray) -> Result<T>) -> Result<T> {
        self.find(name, take).map_err(|error| match &self.name {
            Some(file) => error.within(file),
            None => error,
        })
    }

    fn find<T>(&self, name: &str, take: impl FnOnce(RawArray) -> Result<T>) -> Result<T> {
        if self
            .names
            .binary_search_by(|known| known.as_str().cmp(name))
            .is_err()
        {
            let found = match &self.names[..] {
                [] => String::from("none"),
                // Of very many, some are enough to see what they are like.
                names => names[..names.len().min(16)].join(", "),
            };
            return Err(Error::file("npz file", format!("an array {name:?}"), found));
        }
        match &self.directory {
            None => take(npy::open(&self.bytes, &self.limits)?),
            Some(directory) => {
                take(npz::File::of(&self.bytes, directory, &self.limits).tensor(name)?)
            }
        }
    }
}

impl fmt::Debug for File<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.names).finish()
    }
}

fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(npy::MAGIC)
}

#[cfg(test)]
mod tests;
