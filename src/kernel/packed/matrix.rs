//! `Matrix`: weights that are about to be packed.

use crate::error::Result;
use ndarray::{Array2, ArrayView2};

/// A matrix of weights: an array, or one that is read from its file while it is packed, so that it is in memory once.
pub trait Matrix<A> {
    /// How many rows and columns it has.
    fn dim(&self) -> (usize, usize);

    /// Hands on its rows from the first to the last, some at a time; an `Err` before that if it has not as many as it says.
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
