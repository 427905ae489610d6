//! Files of NumPy: arrays under names (`.npz`), and one array (`.npy`).
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
//! Read are booleans, whole numbers and floating-point numbers of 16 to 64 bits, in both orders of bytes and of axes;
//! texts, complex numbers and pickled objects are refused when they are asked for. Written are `f32` and `f64`.

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

/// What NumPy calls an array without a name, in an archive of its own making.
const NAMELESS: &str = "arr_0";

/// Arrays under names, of which a program takes those that it wants. The array of a `.npy` file is `arr_0`.
///
/// Opening reads the directory only. What decompression would make of all arrays together is held to
/// [`Limits::inflated_bytes`] there and then, so an array can be read as often as it is wanted.
pub struct File<'a> {
    /// What errors call it.
    name: Option<String>,
    bytes: Cow<'a, [u8]>,
    limits: Limits,
    /// Of an archive: read once, so that many arrays are not read out of it in as many readings of all their names.
    directory: Option<Arc<Directory>>,
    names: Vec<String>,
}

/// Writes a `.npz` file, not compressed: `numpy.savez`.
#[cfg(feature = "std")]
pub fn save<A: Element>(
    path: impl AsRef<std::path::Path>,
    arrays: &[(&str, ArrayViewD<A>)],
) -> Result<()> {
    Ok(disk::write(path.as_ref(), &write(arrays)?)?)
}

/// The bytes of a `.npz` file, not compressed: `numpy.savez`. The same arrays make the same bytes.
pub fn write<A: Element>(arrays: &[(&str, ArrayViewD<A>)]) -> Result<Vec<u8>> {
    pack(arrays, false)
}

/// The bytes of a `.npz` file, compressed: `numpy.savez_compressed`.
pub fn write_compressed<A: Element>(arrays: &[(&str, ArrayViewD<A>)]) -> Result<Vec<u8>> {
    pack(arrays, true)
}

/// The bytes of a `.npy` file: `numpy.save`.
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
    /// The `.npz` or `.npy` file at a path, within the default [`Limits`].
    pub fn load(path: impl AsRef<std::path::Path>) -> Result<Self> {
        Self::load_within(path, &Limits::default())
    }

    /// [`load`](Self::load) within other limits.
    pub fn load_within(path: impl AsRef<std::path::Path>, limits: &Limits) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let read = || Self::read_within(bytes(path, limits.file_bytes)?, limits);
        Ok(within(path, read)?.named(name))
    }
}

impl<'a> File<'a> {
    /// The bytes of a `.npz` or `.npy` file, borrowed or owned, within the default [`Limits`].
    pub fn read(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self> {
        Self::read_within(bytes, &Limits::default())
    }

    /// [`read`](Self::read) within other limits.
    pub fn read_within(bytes: impl Into<Cow<'a, [u8]>>, limits: &Limits) -> Result<Self> {
        let bytes = bytes.into();
        let (directory, names) = if is_npy(&bytes) {
            npy::open(&bytes, limits)?;
            (None, [String::from(NAMELESS)].into())
        } else {
            let archive = npz::File::open(&bytes, limits)?;
            archive.check_inflated()?;
            let mut names = archive.names()?;
            // `a-b.npy` stands before `a.npy`.
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

    /// What errors call the file: its path, if it was [loaded](Self::load), nothing, if it was only read.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The names of all arrays, sorted.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The shape of the array of that name, before its numbers are read.
    pub fn shape(&self, name: &str) -> Result<Vec<usize>> {
        self.with(name, |tensor| Ok(tensor.shape().to_vec()))
    }

    /// The numbers of the array of that name, of whatever kind, each as the nearest `A`.
    pub fn array<A: Element>(&self, name: &str) -> Result<ArrayD<A>> {
        self.with(name, |tensor| {
            self.check_room(&tensor, size_of::<A>())?;
            tensor.numbers()
        })
    }

    /// The whole numbers of the array of that name, exactly; an array of floating-point numbers is refused.
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
