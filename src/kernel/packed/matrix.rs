//! `Matrix`: weights that will be packed.

use crate::error::Result;
use ndarray::{Array2, ArrayView2};

/// A matrix of weights: an array, or a part of a file that is read while it is packed, so that it is in memory only once.
pub trait Matrix<A> {
    /// The numbers of rows and columns.
    fn dim(&self) -> (usize, usize);

    /// Passes the rows to `to`, from the first to the last, some at a time. Returns an error if there are fewer rows than
    /// `dim` says.
    fn rows(&self, to: &mut dyn FnMut(ArrayView2<A>)) -> Result<()>;
}

impl<A> Matrix<A> for Array2<A> {
    fn dim(&self) -> (usize, usize) {
        Array2::dim(self)
    }

    fn rows(&self, to: &mut dyn FnMut(ArrayView2<A>)) -> Result<()> {
        to(self.view());
        Ok(())
    }
}
