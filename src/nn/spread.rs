//! Arrays that are repeated along the axes of an input.

use crate::Element;
use crate::error::{Error, Result};
use alloc::format;
use ndarray::{ArrayD, ArrayViewD, IxDyn};

/// A view of an array in the shape of an input: axes of length 1 and those that it does not have are repeated.
pub(super) fn spread<'x, A: Element>(
    name: &'static str,
    x: &'x ArrayD<A>,
    shape: &[usize],
) -> Result<ArrayViewD<'x, A>> {
    x.broadcast(IxDyn(shape)).ok_or_else(|| {
        let expected = format!("one that can be repeated to the shape {shape:?} of the input");
        Error::value(name, expected, format!("of shape {:?}", x.shape()))
    })
}
