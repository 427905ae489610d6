//! `Lambda`: a function of a caller's own as a layer.

use crate::Element;
use crate::describe::{Maker, OwnLayer};
use crate::error::Result;
use crate::model::{AnyLayer, Tensor, maker};
use alloc::string::String;
use alloc::sync::Arc;

/// A function of one tensor.
type OfTensor<A> = Arc<dyn Fn(Tensor<A>) -> Result<Tensor<A>> + Send + Sync>;

/// A function of a caller's own as a layer.
struct Lambda<A> {
    #[cfg_attr(not(feature = "saved"), allow(dead_code))] // for the file
    name: String,
    function: OfTensor<A>,
}

/// What makes layers of a function.
pub(crate) fn lambda<A: Element>(
    function: impl Fn(Tensor<A>) -> Result<Tensor<A>> + Send + Sync + 'static,
) -> Maker {
    let function: OfTensor<A> = Arc::new(function);
    maker(move |layer: &OwnLayer<A>| {
        Ok(Lambda {
            name: layer.name().into(),
            function: Arc::clone(&function),
        })
    })
}

impl<A: Element> AnyLayer<A> for Lambda<A> {
    fn name(&self) -> &str {
        "lambda"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        (self.function)(input)
    }

    /// A file has its name, by which `saved::Reader::lambda` gives it back.
    #[cfg(feature = "saved")]
    fn own_parts(&self) -> Option<crate::OwnParts<A>> {
        Some(crate::OwnParts::new(self.name.as_str()))
    }
}
