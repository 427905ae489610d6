//! `Describe`: the description of a layer.

use super::setting::Setting;
use crate::Element;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::{ArrayD, ArrayViewD};

/// The key of the description in the metadata of a saved file.
#[cfg(any(feature = "torch", feature = "saved"))]
pub(crate) const KEY: &str = "recurrent";

/// Whether and how training changes an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Gradients change it.
    Trainable,
    /// It is learned without gradients, as a moving average.
    Fixed,
    /// It is not learned. It is an argument that a file keeps bit for bit.
    Constant,
}

/// An array of a layer, in any of the forms in which layers hold arrays.
pub trait Weight<A> {
    /// Whether the layer has the array.
    fn is_given(&self) -> bool {
        true
    }

    /// The shape of the array in Keras.
    fn shape(&self) -> Vec<usize>;

    /// The numbers of the array, in the shape that it has in Keras.
    fn to_array(&self) -> ArrayD<A>;
}

/// One part of a layer.
pub enum Part<'p, A> {
    /// An option, with the name of Keras' argument.
    Option(&'static str, &'p dyn Setting),
    /// An array, with the name of Keras' weight.
    Array(&'static str, Role, &'p dyn Weight<A>),
    /// An inner layer, with its key in a file. It has a name if it adds a level to the paths of its arrays.
    Layer(&'p str, Option<&'p str>, &'p dyn Describe<A>),
    /// A layer or cell of a user's own.
    Foreign(&'p dyn Foreign<A>),
}

/// A layer or cell of a user's own.
pub trait Foreign<A> {
    /// Its name.
    fn name(&self) -> &str;

    /// Calls `each` with every weight that gradients change.
    fn weights(&self, each: &mut dyn FnMut(&str, &dyn Weight<A>)) {
        let _ = each;
    }

    /// Where it lies in memory: two of the same address are one layer.
    fn address(&self) -> usize {
        core::ptr::from_ref(self).cast::<()>().addr()
    }

    /// What a file keeps of it, if it says so.
    #[cfg(feature = "saved")]
    fn own_parts(&self) -> Option<super::OwnParts<A>> {
        None
    }
}

/// A part that can be changed. Options cannot be changed, so shapes stay the same.
pub enum PartMut<'p, A> {
    /// An array, with a function that replaces its numbers. The caller has checked their shape.
    Array(&'static str, &'p mut dyn FnMut(ArrayViewD<A>)),
    /// An inner layer. It has a name if it adds a level to the paths of its arrays.
    Layer(Option<&'p str>, &'p mut dyn Describe<A>),
}

/// The parts of a layer: its options, arrays and inner layers. The macro `describe!` implements it for layers whose fields
/// are their options and arrays.
///
/// `A` is a parameter and not an associated type, since a layer without weights implements the trait for every `A`.
pub trait Describe<A: Element> {
    /// The kind of the layer, in Keras' words.
    fn class(&self) -> &'static str;

    /// Calls `each` with every part. The order is the one of files and of lists of weights.
    fn parts(&self, each: &mut dyn FnMut(Part<A>));

    /// Calls `each` with every array and inner layer, in the order of [`parts`](Self::parts), so that it can be changed. A
    /// borrowed layer has none.
    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>));

    /// Copies the layer. Returns `None` if it cannot be copied. A shared layer is copied in this way before it is changed.
    fn duplicate(&self) -> Option<Self>
    where
        Self: Sized;

    /// Counts the learned parameters.
    fn count_parameters(&self) -> ParameterCount {
        let mut count = ParameterCount::default();
        self.parts(&mut |part| match part {
            Part::Array(_, role, array) => {
                let numbers: usize = array.shape().iter().product();
                match role {
                    Role::Trainable => count.trainable += numbers,
                    Role::Fixed => count.non_trainable += numbers,
                    Role::Constant => {}
                }
            }
            Part::Layer(_, _, layer) => {
                let inner = layer.count_parameters();
                count.trainable += inner.trainable;
                count.non_trainable += inner.non_trainable;
            }
            Part::Option(..) | Part::Foreign(_) => {}
        });
        count
    }
}

/// The number of learned parameters of a layer or a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParameterCount {
    /// The number of parameters that gradients change.
    pub trainable: usize,
    /// The number of parameters that are learned otherwise, as moving averages.
    pub non_trainable: usize,
}

impl ParameterCount {
    /// A count of parameters that gradients change, without others.
    pub fn trainable(trainable: usize) -> Self {
        ParameterCount {
            trainable,
            non_trainable: 0,
        }
    }

    /// The number of all learned parameters.
    pub fn total(self) -> usize {
        self.trainable + self.non_trainable
    }
}

/// Calls `each` with every weight and its path, such as `bidirectional/forward/kernel`.
pub(crate) fn walk<A: Element>(
    layer: &dyn Describe<A>,
    path: &str,
    each: &mut dyn FnMut(&str, Role, &dyn Weight<A>),
) {
    layer.parts(&mut |part| match part {
        Part::Array(_, Role::Constant, _) | Part::Option(..) => {}
        Part::Array(name, role, array) => each(&join(path, name), role, array),
        Part::Foreign(layer) => layer.weights(&mut |name, weight| {
            each(&join(path, name), Role::Trainable, weight);
        }),
        Part::Layer(_, None, layer) => walk(layer, path, each),
        Part::Layer(_, Some(name), layer) => walk(layer, &join(path, name), each),
    });
}

/// Calls `found` with the first weight at a path. Returns whether there is one.
pub(crate) fn find<A: Element>(
    layer: &dyn Describe<A>,
    path: &str,
    found: &mut dyn FnMut(&dyn Weight<A>),
) -> bool {
    let mut is_found = false;
    layer.parts(&mut |part| match part {
        _ if is_found => {}
        Part::Array(_, Role::Constant, _) | Part::Option(..) => {}
        Part::Foreign(layer) => layer.weights(&mut |name, weight| {
            if name == path && !is_found {
                found(weight);
                is_found = true;
            }
        }),
        Part::Array(name, _, array) => {
            if name == path {
                found(array);
                is_found = true;
            }
        }
        Part::Layer(_, name, layer) => {
            if let Some(rest) = below(path, name) {
                is_found = find(layer, rest, found);
            }
        }
    });
    is_found
}

/// Replaces the numbers of the first array at a path. Returns whether there is one that can be changed. Only the layers on
/// the path are asked, since a shared one is copied when it is.
pub(crate) fn assign<A: Element>(
    layer: &mut dyn Describe<A>,
    path: &str,
    numbers: ArrayViewD<A>,
) -> bool {
    let mut is_set = false;
    layer.parts_mut(&mut |part| match part {
        _ if is_set => {}
        PartMut::Array(name, assign) => {
            if name == path {
                assign(numbers.view());
                is_set = true;
            }
        }
        PartMut::Layer(name, layer) => {
            if let Some(rest) = below(path, name) {
                is_set = self::assign(layer, rest, numbers.view());
            }
        }
    });
    is_set
}

/// The rest of a path inside a layer of this name, if it leads there.
fn below<'p>(path: &'p str, name: Option<&str>) -> Option<&'p str> {
    match name {
        Some(name) => path.strip_prefix(name)?.strip_prefix('/'),
        None => Some(path),
    }
}

/// The path of what has this name in the layer at `path`.
pub(crate) fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.into(),
        _ => format!("{path}/{name}"),
    }
}
