//! `OfUser`: the description of a layer of a user's own.

use super::AnyLayer;
use crate::Element;
#[cfg(feature = "saved")]
use crate::describe::OwnParts;
use crate::describe::{Describe, Foreign, ParameterCount, Part, PartMut, Weight};

/// Passes on a layer inside another one: its key in a file, and its name in paths if it adds a level to them.
pub(crate) fn each_layer<A: Element>(
    each: &mut dyn FnMut(Part<A>),
    key: &str,
    name: Option<&str>,
    layer: &dyn AnyLayer<A>,
) {
    match layer.described() {
        Some(layer) => each(Part::Layer(key, name, layer)),
        None => each(Part::Layer(key, name, &OfUser(layer))),
    }
}

/// Passes on a layer inside another one, to be changed.
pub(crate) fn each_layer_mut<A: Element>(
    each: &mut dyn FnMut(PartMut<A>),
    name: Option<&str>,
    layer: &mut dyn AnyLayer<A>,
) {
    if layer.described().is_none() {
        each(PartMut::Layer(name, &mut OfUserMut(layer)));
    } else if let Some(layer) = layer.described_mut() {
        each(PartMut::Layer(name, layer));
    }
}

/// The description of a user's own layer.
pub(super) struct OfUser<'l, A>(pub &'l dyn AnyLayer<A>);

impl<A: Element> Foreign<A> for OfUser<'_, A> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn weights(&self, each: &mut dyn FnMut(&str, &dyn Weight<A>)) {
        self.0.own_weights(&mut |name, array| each(name, &array));
    }

    fn address(&self) -> usize {
        let mut layer = self.0;
        while let Some(inside) = layer.inside() {
            layer = inside;
        }
        core::ptr::from_ref(layer).cast::<()>().addr()
    }

    #[cfg(feature = "saved")]
    fn own_parts(&self) -> Option<OwnParts<A>> {
        self.0.own_parts()
    }
}

impl<A: Element> Describe<A> for OfUser<'_, A> {
    fn class(&self) -> &'static str {
        "own"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        each(Part::Foreign(self));
    }

    fn parts_mut(&mut self, _: &mut dyn FnMut(PartMut<A>)) {}

    fn duplicate(&self) -> Option<Self> {
        None
    }

    fn count_parameters(&self) -> ParameterCount {
        self.0.parameter_count()
    }
}

/// The same, to be changed.
pub(super) struct OfUserMut<'l, A>(pub &'l mut dyn AnyLayer<A>);

impl<A: Element> Describe<A> for OfUserMut<'_, A> {
    fn class(&self) -> &'static str {
        "own"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        OfUser(&*self.0).parts(each);
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        self.0.own_weights_mut(&mut |name, mut array| {
            each(PartMut::Array(name, &mut |numbers| array.assign(&numbers)));
        });
    }

    fn duplicate(&self) -> Option<Self> {
        None
    }
}
