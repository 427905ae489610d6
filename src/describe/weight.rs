//! The forms in which layers hold their arrays, and how their numbers are replaced.

use super::layer::{Part, PartMut, Role, Weight};
use crate::Element;
use crate::kernel::Panels;
use alloc::vec::Vec;
use ndarray::{Array, ArrayD, ArrayViewD, Dimension, arr0};

/// An array whose numbers can be replaced by others of its shape.
pub(crate) trait Assign<A> {
    fn assign(&mut self, numbers: ArrayViewD<A>);
}

impl<A: Element, D: Dimension> Weight<A> for Array<A, D> {
    fn shape(&self) -> Vec<usize> {
        self.raw_dim().slice().to_vec()
    }

    fn to_array(&self) -> ArrayD<A> {
        self.to_owned().into_dyn()
    }
}

impl<A: Element, D: Dimension> Assign<A> for Array<A, D> {
    fn assign(&mut self, numbers: ArrayViewD<A>) {
        self.iter_mut().zip(numbers).for_each(|(to, &x)| *to = x);
    }
}

/// A view of an array of a layer of a user's own.
impl<A: Element> Weight<A> for ArrayViewD<'_, A> {
    fn shape(&self) -> Vec<usize> {
        self.raw_dim().slice().to_vec()
    }

    fn to_array(&self) -> ArrayD<A> {
        self.to_owned()
    }
}

/// A number that is stored as an array without axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scalar<A>(pub A);

impl<A: Element> Weight<A> for Scalar<A> {
    fn shape(&self) -> Vec<usize> {
        Vec::new()
    }

    fn to_array(&self) -> ArrayD<A> {
        arr0(self.0).into_dyn()
    }
}

impl<A: Element> Assign<A> for Scalar<A> {
    fn assign(&mut self, numbers: ArrayViewD<A>) {
        if let Some(&number) = numbers.first() {
            self.0 = number;
        }
    }
}

impl<A: Element> Weight<A> for Panels<A> {
    fn shape(&self) -> Vec<usize> {
        let columns = self.gates() * self.units();
        if self.is_vector() {
            Vec::from([columns])
        } else {
            Vec::from([self.rows(), columns])
        }
    }

    fn to_array(&self) -> ArrayD<A> {
        let matrix = self.unpack();
        if self.is_vector() {
            matrix.into_flat().into_dyn()
        } else {
            matrix.into_dyn()
        }
    }
}

impl<A: Element> Assign<A> for Panels<A> {
    fn assign(&mut self, numbers: ArrayViewD<A>) {
        self.repack(numbers);
    }
}

/// An array that a layer may not have.
impl<A: Element, W: Weight<A>> Weight<A> for Option<W> {
    fn is_given(&self) -> bool {
        self.is_some()
    }

    fn shape(&self) -> Vec<usize> {
        self.as_ref().map_or_else(Vec::new, W::shape)
    }

    fn to_array(&self) -> ArrayD<A> {
        self.as_ref().map(W::to_array).unwrap_or_default()
    }
}

impl<A: Element, W: Assign<A>> Assign<A> for Option<W> {
    fn assign(&mut self, numbers: ArrayViewD<A>) {
        if let Some(weight) = self {
            weight.assign(numbers);
        }
    }
}

/// Calls `each` with an array, if the layer has it.
pub(crate) fn each_array<A>(
    each: &mut dyn FnMut(Part<A>),
    name: &'static str,
    role: Role,
    array: &dyn Weight<A>,
) {
    if array.is_given() {
        each(Part::Array(name, role, array));
    }
}

/// Calls `each` with an array that can be changed, if the layer has it.
pub(crate) fn each_array_mut<A>(
    each: &mut dyn FnMut(PartMut<A>),
    name: &'static str,
    array: &mut (impl Weight<A> + Assign<A>),
) {
    if array.is_given() {
        each(PartMut::Array(name, &mut |numbers| array.assign(numbers)));
    }
}
