//! `Own`: a loss of the user's.

use super::target::Target;
use crate::error::Result;
use alloc::sync::Arc;
use core::fmt;
use ndarray::{ArrayD, ArrayViewD};

type Function<A> =
    dyn Fn(ArrayViewD<'_, A>, &Target<'_, A>) -> Result<(f64, ArrayD<A>)> + Send + Sync;

/// A function from outputs to a loss and its gradient.
#[derive(Clone)]
pub(super) struct Own<A>(Arc<Function<A>>);

impl<A> Own<A> {
    pub(super) fn new<F>(function: F) -> Self
    where
        F: Fn(ArrayViewD<'_, A>, &Target<'_, A>) -> Result<(f64, ArrayD<A>)>,
        F: Send + Sync + 'static,
    {
        Own(Arc::new(function))
    }

    pub(super) fn call(
        &self,
        y_pred: ArrayViewD<'_, A>,
        target: &Target<'_, A>,
    ) -> Result<(f64, ArrayD<A>)> {
        (self.0)(y_pred, target)
    }
}

impl<A> fmt::Debug for Own<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Own(..)")
    }
}
