//! `RawArray`: an array of a file, not read yet; `Arrays`: a file full of them.
use super::bytes::{Bytes, Data, PIECE};
use super::error::{Error, Result};
use super::number::{self, Float, Number};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A file that holds arrays under names.
pub trait Arrays {
    /// The names of all its arrays, sorted.
    fn names(&self) -> Result<Vec<String>>;

    /// The array of that name; an `Err` if there is none.
    fn tensor(&self, name: &str) -> Result<RawArray<'_>>;
}

/// An array of a file: name, shape and kind are known, the numbers are read when they are asked for.
pub struct RawArray<'a> {
    name: String,
    shape: Vec<usize>,
    number: Number,
    big_endian: bool,
    fortran_order: bool,
    bytes: Read<'a>,
}

type Read<'a> = Box<dyn Fn() -> Result<Data<'a>> + 'a>;

impl<'a> RawArray<'a> {
    /// `bytes` is called once for each reading; an `Err` if not even the size of the array can be counted.
    pub(super) fn new<D: Into<Data<'a>>>(
        name: String,
        shape: Vec<usize>,
        number: Number,
        bytes: impl Fn() -> Result<D> + 'a,
    ) -> Result<Self> {
        size(&name, &shape, number.size())?;
        Ok(RawArray {
            name,
            shape,
            number,
            big_endian: false,
            fortran_order: false,
            bytes: Box::new(move || bytes().map(Into::into)),
        })
    }

    /// The largest byte of each number comes first.
    pub(super) fn big_endian(mut self, yes: bool) -> Self {
        self.big_endian = yes;
        self
    }

    /// The first axis runs fastest.
    pub(super) fn fortran_order(mut self, yes: bool) -> Self {
        self.fortran_order = yes;
        self
    }

    /// The same array with other numbers: `number` makes each of its place in the order of the file.
    #[cfg(feature = "keras")]
    pub fn with_numbers(self, number: impl Fn(u64) -> f64 + 'a) -> Result<Self> {
        let count = size(&self.name, &self.shape, 1)? as u64;
        let bytes = move || {
            let numbers = (0..count).flat_map(|place| number(place).to_le_bytes());
            Ok(numbers.collect::<Vec<u8>>())
        };
        let other = RawArray::new(self.name, self.shape, Number::F64, bytes)?;
        Ok(other.fortran_order(self.fortran_order))
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

    /// Whether the first axis runs fastest in the order of its numbers, and not the last one.
    pub fn is_fortran_order(&self) -> bool {
        self.fortran_order
    }

    /// Refuses whole numbers, which are no weights.
    pub fn check_floats(&self) -> Result<()> {
        if self.number.is_float() {
            return Ok(());
        }
        Err(self.refuse("floating-point numbers"))
    }

    /// Reads its numbers of whatever kind, each as the nearest `A`.
    pub fn read<A: Float>(&self) -> Result<Vec<A>> {
        let data = self.data()?;
        let mut numbers = Vec::with_capacity(data.bytes().len() / self.number.size());
        self.append(data.bytes(), &mut numbers)?;
        Ok(numbers)
    }

    /// Reads its numbers at one place of its first axis, each as the nearest `A`.
    pub fn read_at<A: Float>(&self, place: usize) -> Result<Vec<A>> {
        let shape = self.shape.get(1..).unwrap_or_default();
        let length = size(&self.name, shape, self.number.size())?;
        let data = self.data()?;
        let part = place
            .checked_mul(length)
            .and_then(|start| data.bytes().part(start, length));
        let missing = || Error::new(&self.name, format!("an array {place}"), "none");
        let mut numbers = Vec::with_capacity(length / self.number.size());
        self.append(part.ok_or_else(missing)?, &mut numbers)?;
        Ok(numbers)
    }

    /// Reads its whole numbers; fractions are refused.
    pub fn read_integers(&self) -> Result<Vec<i64>> {
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
            return Err(Error::new(&self.name, "numbers below 2^63", "a larger one"));
        }
        Ok(integers)
    }

    /// Its numbers, to be read part by part. Only what is there is looked at any further: a shape alone may claim anything.
    pub fn unread(self) -> Result<Unread<'a>> {
        let data = self.data()?;
        Ok(Unread { tensor: self, data })
    }

    /// Appends the numbers in some of its bytes, each as the nearest `A`.
    fn append<A: Float>(&self, bytes: Bytes, to: &mut Vec<A>) -> Result<()> {
        let (number, big_endian) = (self.number, self.big_endian);
        bytes.pass(PIECE, |bytes| {
            number::elements(number, big_endian, bytes, to);
        })
    }

    fn refuse(&self, expected: &str) -> Error {
        Error::new(&self.name, expected, self.number)
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
        Err(Error::new(&self.name, expected, found))
    }
}

/// Numbers whose bytes are all there, to be read part by part.
pub struct Unread<'a> {
    tensor: RawArray<'a>,
    data: Data<'a>,
}

impl<'a> Unread<'a> {
    /// The array that they are of.
    pub fn tensor(&self) -> &RawArray<'a> {
        &self.tensor
    }

    /// Whether they can be read in any order at the same cost.
    pub fn is_in_memory(&self) -> bool {
        matches!(self.data.bytes(), Bytes::Memory(_))
    }

    /// Appends `count` numbers from number `start` on, each as the nearest `A`.
    pub fn append<A: Float>(&self, start: usize, count: usize, to: &mut Vec<A>) -> Result<()> {
        let size = self.tensor.number.size();
        let part = self.data.bytes().part(start * size, count * size);
        self.tensor.append(part.unwrap_or(Bytes::Memory(&[])), to)
    }

    /// Hands on all of them, `count` at a time, each as the nearest `A`.
    pub fn pass<A: Float>(&self, count: usize, mut to: impl FnMut(&[A])) -> Result<()> {
        let RawArray {
            number, big_endian, ..
        } = self.tensor;
        let mut numbers = Vec::new();
        self.data.bytes().pass(count * number.size(), |bytes| {
            numbers.clear();
            number::elements(number, big_endian, bytes, &mut numbers);
            to(&numbers);
        })
    }
}

/// An array with more axes has the lengths of a million in its file, and takes a million steps for each number. NumPy allows
/// as many.
pub const MOST_AXES: usize = 64;

/// The bytes of an array.
pub(super) fn size(name: &str, shape: &[usize], element: usize) -> Result<usize> {
    if shape.len() > MOST_AXES {
        let expected = format!("at most {MOST_AXES} axes");
        return Err(Error::new(name, expected, shape.len()));
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
            Err(Error::new(name, expected, format!("{shape:?}")))
        }
    }
}
