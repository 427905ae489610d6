//! `Tensor`: an array of a file, not read yet; `Arrays`: a file full of them.

use super::bytes::{Data, PIECE};
use super::number::{self, Number};
#[cfg(feature = "safetensors")]
use super::turned::Turned;
use crate::Element;
#[cfg(any(feature = "onnx", feature = "safetensors"))]
use crate::error::axes;
use crate::error::{Error, Result};
#[cfg(any(feature = "keras", feature = "safetensors"))]
use crate::kernel::Matrix;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
#[cfg(any(feature = "keras", feature = "safetensors"))]
use ndarray::ArrayView2;
#[cfg(any(feature = "onnx", feature = "safetensors"))]
use ndarray::{Array, Dimension};
use ndarray::{ArrayD, IxDyn, ShapeBuilder};

/// A file that holds arrays under names.
pub trait Arrays {
    /// The names of all its arrays, sorted.
    fn names(&self) -> Result<Vec<String>>;

    /// The array of that name; an `Err` if there is none.
    fn tensor(&self, name: &str) -> Result<Tensor<'_>>;

    /// The numbers of the array of that name: [`Tensor::array`].
    fn get<A: Element>(&self, name: &str) -> Result<ArrayD<A>>
    where
        Self: Sized,
    {
        self.tensor(name)?.array()
    }
}

/// An array of a file: name, shape and kind are known, the numbers are read when they are asked for.
pub struct Tensor<'a> {
    name: String,
    shape: Vec<usize>,
    pub(super) number: Number,
    pub(super) big_endian: bool,
    fortran_order: bool,
    bytes: Read<'a>,
}

type Read<'a> = Box<dyn Fn() -> Result<Data<'a>> + 'a>;

impl<'a> Tensor<'a> {
    /// `bytes` is called once for each reading; an `Err` if not even the size of the array can be counted.
    pub(super) fn new<D: Into<Data<'a>>>(
        name: String,
        shape: Vec<usize>,
        number: Number,
        bytes: impl Fn() -> Result<D> + 'a,
    ) -> Result<Self> {
        size(&name, &shape, number.size())?;
        Ok(Tensor {
            name,
            shape,
            number,
            big_endian: false,
            fortran_order: false,
            bytes: Box::new(move || bytes().map(Into::into)),
        })
    }

    /// The largest byte of each number comes first.
    #[cfg(any(feature = "keras", feature = "npz"))]
    pub(super) fn big_endian(mut self, yes: bool) -> Self {
        self.big_endian = yes;
        self
    }

    /// The first axis runs fastest.
    #[cfg(feature = "npz")]
    pub(super) fn fortran_order(mut self, yes: bool) -> Self {
        self.fortran_order = yes;
        self
    }

    /// What the file calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its shape, as the file claims it. Compare it before the numbers are read.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What kind of numbers it holds.
    pub fn number(&self) -> Number {
        self.number
    }

    /// Its floating-point numbers, each as the nearest `A`. Whole numbers are no weights and refused.
    pub fn array<A: Element>(&self) -> Result<ArrayD<A>> {
        if !self.number.is_float() {
            return Err(self.refuse("floating-point numbers"));
        }
        self.numbers()
    }

    /// Its numbers of whatever kind, each as the nearest `A`.
    pub fn numbers<A: Element>(&self) -> Result<ArrayD<A>> {
        let data = self.data()?;
        let mut numbers = Vec::with_capacity(data.bytes().len() / self.number.size());
        data.bytes().pass(PIECE, |bytes| {
            number::elements(self.number, self.big_endian, bytes, &mut numbers);
        })?;
        self.shaped(numbers)
    }

    /// Its numbers at one place of its first axis, each as the nearest `A`.
    #[cfg(feature = "onnx")]
    pub fn numbers_at<A: Element>(&self, place: usize) -> Result<ArrayD<A>> {
        let shape = self.shape.get(1..).unwrap_or_default();
        let length = size(&self.name, shape, self.number.size())?;
        let data = self.data()?;
        let part = place
            .checked_mul(length)
            .and_then(|start| data.bytes().part(start, length));
        let missing = || Error::file(&self.name, format!("an array {place}"), "none");
        let mut numbers = Vec::with_capacity(length / self.number.size());
        part.ok_or_else(missing)?.pass(PIECE, |bytes| {
            number::elements(self.number, self.big_endian, bytes, &mut numbers);
        })?;
        ArrayD::from_shape_vec(IxDyn(shape), numbers)
            .map_err(|error| Error::file(&self.name, "a shape that ndarray can make", error))
    }

    /// Its whole numbers; fractions are refused.
    pub fn integers(&self) -> Result<ArrayD<i64>> {
        if self.number.is_float() {
            return Err(self.refuse("whole numbers"));
        }
        let (mut integers, mut beyond) = (Vec::new(), false);
        self.data()?.bytes().pass(PIECE, |bytes| {
            match number::integers(self.number, self.big_endian, bytes) {
                Some(more) => integers.extend(more),
                None => beyond = true,
            }
        })?;
        if beyond {
            return Err(Error::file(
                &self.name,
                "numbers below 2^63",
                "a larger one",
            ));
        }
        self.shaped(integers)
    }

    /// The same as a matrix. Only what is there is looked at any further: a shape alone may claim anything.
    #[cfg(any(feature = "keras", feature = "safetensors"))]
    pub fn unread(self) -> Result<Unread<'a>> {
        let data = self.data()?;
        Ok(Unread { tensor: self, data })
    }

    /// A matrix, (rows, columns), as the one that has its rows for columns, block `order[k]` of them in place of block `k`.
    #[cfg(feature = "safetensors")]
    pub(crate) fn turned(self, order: &'static [usize]) -> Result<Turned<'a>> {
        if !self.number.is_float() {
            return Err(self.refuse("floating-point numbers"));
        }
        let data = self.data()?;
        Ok(Turned::new(self, data, order))
    }

    fn refuse(&self, expected: &str) -> Error {
        Error::file(&self.name, expected, self.number)
    }

    /// Its bytes, as many as its shape wants.
    fn data(&self) -> Result<Data<'a>> {
        let expected = size(&self.name, &self.shape, self.number.size())?;
        let data = (self.bytes)()?;
        let length = data.bytes().len();
        if length == expected {
            return Ok(data);
        }
        let expected = format!("{expected} bytes for the shape {:?}", self.shape);
        let found = format!("{length} bytes");
        Err(Error::file(&self.name, expected, found))
    }

    fn shaped<T>(&self, numbers: Vec<T>) -> Result<ArrayD<T>> {
        let shape = IxDyn(&self.shape).set_f(self.fortran_order);
        ArrayD::from_shape_vec(shape, numbers)
            .map_err(|error| Error::file(&self.name, "a shape that ndarray can make", error))
    }
}

/// An array in the number of axes that was asked for.
#[cfg(any(feature = "onnx", feature = "safetensors"))]
pub(crate) fn with_axes<T, D: Dimension>(name: &str, array: ArrayD<T>) -> Result<Array<T, D>> {
    let found = axes(array.ndim());
    let expected = D::NDIM.map_or_else(|| found.clone(), axes);
    let array = array.into_dimensionality();
    array.map_err(|_| Error::file(name, expected, found))
}

/// A matrix of weights whose bytes are all there, to be packed as they are read.
#[cfg(any(feature = "keras", feature = "safetensors"))]
pub struct Unread<'a> {
    tensor: Tensor<'a>,
    data: Data<'a>,
}

#[cfg(any(feature = "keras", feature = "safetensors"))]
impl<A: Element> Matrix<A> for Unread<'_> {
    fn dim(&self) -> (usize, usize) {
        let shape = self.tensor.shape();
        let rows = shape.first().copied().unwrap_or(1);
        (rows, shape.iter().skip(1).product())
    }

    fn rows(&self, to: &mut dyn FnMut(ArrayView2<A>)) -> Result<()> {
        let (rows, columns) = Matrix::<A>::dim(self);
        let Tensor {
            number, big_endian, ..
        } = self.tensor;
        let row = columns * number.size();
        if !number.is_float() || self.tensor.fortran_order || row == 0 {
            let array = self.tensor.array()?;
            to(array.into_shape_with_order((rows, columns))?.view());
            return Ok(());
        }
        let (mut numbers, mut done) = (Vec::new(), Ok(()));
        let pieces = row * (PIECE / row).max(1);
        self.data.bytes().pass(pieces, |bytes| {
            numbers.clear();
            number::elements(number, big_endian, bytes, &mut numbers);
            match ArrayView2::from_shape((numbers.len() / columns, columns), &numbers) {
                Ok(rows) => to(rows),
                Err(error) => done = Err(error.into()),
            }
        })?;
        done
    }
}

/// An array with more axes has the lengths of a million in its file, and takes a million steps for each number. NumPy allows
/// as many.
pub(crate) const MOST_AXES: usize = 64;

/// The bytes of an array.
pub(super) fn size(name: &str, shape: &[usize], element: usize) -> Result<usize> {
    if shape.len() > MOST_AXES {
        let expected = format!("at most {MOST_AXES} axes");
        return Err(Error::file(name, expected, shape.len()));
    }
    // The size is counted without the zeros too: ndarray wants that of empty arrays.
    let axes = shape.iter().filter(|&&n| n > 0);
    let countable = axes
        .into_iter()
        .try_fold(element, |size, &n| size.checked_mul(n))
        .filter(|&size| isize::try_from(size).is_ok());
    match countable {
        Some(_) if shape.contains(&0) => Ok(0),
        Some(size) => Ok(size),
        None => {
            let expected = "a shape whose bytes can be counted";
            Err(Error::file(name, expected, format!("{shape:?}")))
        }
    }
}
