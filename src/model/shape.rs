//! `Shape`: the lengths of an array's axes, as far as they are known before a call.

use alloc::vec::Vec;
use core::fmt;

/// The lengths of an array's axes, samples first, as far as they are known before a call. `None` is any length.
///
/// `Display` prints it as in Keras' summaries.
///
/// ```
/// use recurrent::Shape;
/// assert_eq!(Shape::from([None, Some(5), Some(2)]).to_string(), "(None, 5, 2)");
/// assert_eq!(Shape::unknown().to_string(), "?"); // not even how many axes
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Shape(Option<Vec<Option<usize>>>);

impl Shape {
    /// A shape of which nothing is known, not even the number of axes.
    pub fn unknown() -> Self {
        Shape(None)
    }

    /// The lengths of all axes, if their number is known.
    pub fn axes(&self) -> Option<&[Option<usize>]> {
        self.0.as_deref()
    }

    /// The length of an axis, if it is known.
    pub(crate) fn len_of(&self, axis: usize) -> Option<usize> {
        self.axes()?.get(axis).copied().flatten()
    }

    /// The shape without its last axis.
    pub(crate) fn with_last(&self, len: Option<usize>) -> Self {
        let mut shape = self.clone();
        if let Some(last) = shape.0.as_mut().and_then(|axes| axes.last_mut()) {
            *last = len;
        }
        shape
    }

    /// A (samples, timesteps, features) shape with other timesteps; unknown parts of the input stay unknown.
    pub(crate) fn with_timesteps(&self, timesteps: impl Fn(usize) -> Option<usize>) -> Self {
        let of = self.len_of(1).and_then(timesteps);
        Shape::from([self.len_of(0), of, self.len_of(2)])
    }

    /// The shape (samples, height, width, channels) of the first input with other heights and widths: `len` gets 0 for the
    /// height and 1 for the width, and the length in the input.
    pub(crate) fn of_image(inputs: &[Self], len: impl Fn(usize, usize) -> Option<usize>) -> Self {
        let of = |axis| inputs.first().and_then(|input| input.len_of(axis));
        let side = |axis: usize| of(axis + 1).and_then(|found| len(axis, found));
        Shape::from([of(0), side(0), side(1), of(3)])
    }
}

impl<const N: usize> From<[Option<usize>; N]> for Shape {
    fn from(axes: [Option<usize>; N]) -> Self {
        Shape(Some(axes.into()))
    }
}

impl From<Vec<Option<usize>>> for Shape {
    fn from(axes: Vec<Option<usize>>) -> Self {
        Shape(Some(axes))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(axes) = self.axes() else {
            return f.write_str("?");
        };
        f.write_str("(")?;
        for (i, axis) in axes.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            match axis {
                Some(len) => write!(f, "{comma}{len}")?,
                None => write!(f, "{comma}None")?,
            }
        }
        // Python writes a tuple of one element this way.
        f.write_str(if axes.len() == 1 { ",)" } else { ")" })
    }
}
