//! `Lambda`: a function of a caller's own as a layer.

use crate::Element;
use crate::error::Result;
use crate::model::{AnyLayer, Tensor};
use alloc::sync::Arc;

/// A function of one tensor.
pub(crate) type OfTensor<A> = Arc<dyn Fn(Tensor<A>) -> Result<Tensor<A>> + Send + Sync>;

/// A function of a caller's own as a layer.
pub(crate) struct Lambda<A>(pub OfTensor<A>);

impl<A: Element> AnyLayer<A> for Lambda<A> {
    fn name(&self) -> &str {
        "lambda"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        (self.0)(input)
    }
}
