//! Describes references and owners of a layer as the layer itself.

use super::layer::{Describe, ParameterCount, Part, PartMut};
use crate::Element;
use alloc::boxed::Box;
use alloc::sync::Arc;

macro_rules! as_the_layer {
    () => {
        fn class(&self) -> &'static str {
            (**self).class()
        }

        fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
            (**self).parts(each);
        }

        fn count_parameters(&self) -> ParameterCount {
            (**self).count_parameters()
        }
    };
}

/// A borrowed layer cannot be changed.
impl<A: Element, L: Describe<A> + ?Sized> Describe<A> for &L {
    as_the_layer!();

    fn parts_mut(&mut self, _: &mut dyn FnMut(PartMut<A>)) {}

    fn duplicate(&self) -> Option<Self> {
        Some(*self)
    }
}

impl<A: Element, L: Describe<A>> Describe<A> for Box<L> {
    as_the_layer!();

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        (**self).parts_mut(each);
    }

    fn duplicate(&self) -> Option<Self> {
        (**self).duplicate().map(Box::new)
    }
}

/// A shared layer is copied before it is changed, so that its other owners keep the old one.
impl<A: Element, L: Describe<A>> Describe<A> for Arc<L> {
    as_the_layer!();

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        if Arc::get_mut(self).is_none()
            && let Some(copy) = (**self).duplicate()
        {
            *self = Arc::new(copy);
        }
        if let Some(layer) = Arc::get_mut(self) {
            layer.parts_mut(each);
        }
    }

    fn duplicate(&self) -> Option<Self> {
        Some(Arc::clone(self))
    }
}
