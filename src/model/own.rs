//! What makes layers of a caller's own.

use super::AnyLayer;
use crate::Element;
use crate::describe::{Maker, OwnLayer};
use crate::error::{Error, Result};
use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use core::any::type_name;

type Make<A> = Box<dyn Fn(&OwnLayer<A>) -> Result<Box<dyn AnyLayer<A>>> + Send + Sync>;

/// A closure that makes a layer.
pub(crate) fn maker<A: Element, L: AnyLayer<A>>(
    make: impl Fn(&OwnLayer<A>) -> Result<L> + Send + Sync + 'static,
) -> Maker {
    let make: Make<A> = Box::new(move |layer| Ok(Box::new(make(layer)?)));
    Arc::new(make)
}

/// Makes a layer for numbers of this type.
pub(crate) fn make<A: Element>(maker: &Maker, layer: &OwnLayer<A>) -> Result<Box<dyn AnyLayer<A>>> {
    let Some(make) = maker.downcast_ref::<Make<A>>() else {
        let class = layer.class();
        let expected = format!("a closure that makes it for {}", type_name::<A>());
        return Err(Error::file(class, expected, "one for other numbers"));
    };
    make(layer)
}
