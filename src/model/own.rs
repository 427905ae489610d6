//! What makes layers and cells of a caller's own.

use super::AnyLayer;
use crate::describe::{Maker, OwnLayer};
use crate::error::{Error, Result};
use crate::layer::Flags;
use crate::{Cell, Element, Rnn};
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

type MakeCell<A> = Box<dyn Fn(&OwnLayer<A>, Flags) -> Result<Box<dyn AnyLayer<A>>> + Send + Sync>;

/// A closure that makes a cell, as one that makes a layer with flags.
pub(crate) fn cell_maker<C: Cell + 'static>(
    make: impl Fn(&OwnLayer<C::Elem>) -> Result<C> + Send + Sync + 'static,
) -> Maker {
    let make: MakeCell<C::Elem> =
        Box::new(move |cell, flags| Ok(Box::new(flags.of(Rnn(make(cell)?)))));
    Arc::new(make)
}

/// Makes a layer of a cell for numbers of this type.
pub(crate) fn make_cell<A: Element>(
    maker: &Maker,
    cell: &OwnLayer<A>,
    flags: Flags,
) -> Result<Box<dyn AnyLayer<A>>> {
    let Some(make) = maker.downcast_ref::<MakeCell<A>>() else {
        return Err(for_others::<A>(cell.class()));
    };
    make(cell, flags)
}

/// Makes a layer for numbers of this type.
pub(crate) fn make<A: Element>(maker: &Maker, layer: &OwnLayer<A>) -> Result<Box<dyn AnyLayer<A>>> {
    let Some(make) = maker.downcast_ref::<Make<A>>() else {
        return Err(for_others::<A>(layer.class()));
    };
    make(layer)
}

fn for_others<A>(class: &str) -> Error {
    let expected = format!("a closure that makes it for {}", type_name::<A>());
    Error::file(class, expected, "one for other numbers")
}
