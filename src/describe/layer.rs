//! `Describe`: the one description of a layer.

use super::setting::Setting;
use crate::Element;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::{ArrayD, ArrayViewD};

/// Under which the description stands in the metadata of a saved file.
#[cfg(any(feature = "torch", feature = "saved"))]
pub(crate) const KEY: &str = "recurrent";

/// Whether training moves an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Gradients move it.
    Trainable,
    /// It is learned without gradients: a moving average.
    Fixed,
    /// It is not learned: an argument that a file keeps bit for bit.
    Constant,
}

/// An array of a layer, in whatever form the layer holds it.
pub trait Weight<A> {
    /// Whether the layer has it at all.
    fn is_given(&self) -> bool {
        true
    }

    /// Its shape in Keras.
    fn shape(&self) -> Vec<usize>;

    /// Its numbers in that shape.
    fn to_array(&self) -> ArrayD<A>;
}

/// One thing that a layer is made of.
pub enum Part<'p, A> {
    /// An option, under the name of Keras' argument.
    Option(&'static str, &'p dyn Setting),
    /// An array, under the name of Keras' weight.
    Array(&'static str, Role, &'p dyn Weight<A>),
    /// A layer inside: its key in a file, and its name in paths, if it adds a level to them.
    Layer(&'p str, Option<&'p str>, &'p dyn Describe<A>),
    /// A layer or cell of a user's own, of which only its name is known.
    Foreign(&'p str),
}

/// A part that can be changed. Options cannot, so shapes stay as they are.
pub enum PartMut<'p, A> {
    /// An array, and what takes other numbers for it. Their shape was checked.
    Array(&'static str, &'p mut dyn FnMut(ArrayViewD<A>)),
    /// A layer inside, and its name in paths.
    Layer(Option<&'p str>, &'p mut dyn Describe<A>),
}

/// What a layer is made of. The macro `describe!` writes it for layers whose fields are their options and arrays.
///
/// `A` is a parameter and no associated type, since a layer without weights is one for every `A`.
pub trait Describe<A: Element> {
    /// What kind of layer it is, in Keras' words.
    fn class(&self) -> &'static str;

    /// Hands out every part, in the one order that files and lists of weights share.
    fn parts(&self, each: &mut dyn FnMut(Part<A>));

    /// Hands out the arrays and inner layers, in the same order, to be changed. A borrowed layer has none.
    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>));

    /// A copy, if the layer can be copied: what is shared is copied before it is changed.
    fn duplicate(&self) -> Option<Self>
    where
        Self: Sized;

    /// How many numbers it has learned.
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

/// How many numbers a layer or a model has learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParameterCount {
    /// Learned by gradients.
    pub trainable: usize,
    /// Learned otherwise: moving averages.
    pub non_trainable: usize,
}

impl ParameterCount {
    /// A count of numbers that are all learned by gradients.
    pub fn trainable(trainable: usize) -> Self {
        ParameterCount {
            trainable,
            non_trainable: 0,
        }
    }

    /// Both kinds together.
    pub fn total(self) -> usize {
        self.trainable + self.non_trainable
    }
}

/// Hands out every weight by its path, such as `bidirectional/forward/kernel`.
pub(crate) fn walk<A: Element>(
    layer: &dyn Describe<A>,
    path: &str,
    each: &mut dyn FnMut(&str, Role, &dyn Weight<A>),
) {
    layer.parts(&mut |part| match part {
        Part::Array(_, Role::Constant, _) | Part::Option(..) | Part::Foreign(_) => {}
        Part::Array(name, role, array) => each(&join(path, name), role, array),
        Part::Layer(_, None, layer) => walk(layer, path, each),
        Part::Layer(_, Some(name), layer) => walk(layer, &join(path, name), each),
    });
}

/// Hands out every array that can be changed by its path.
pub(crate) fn walk_mut<A: Element>(
    layer: &mut dyn Describe<A>,
    path: &str,
    each: &mut dyn FnMut(&str, &mut dyn FnMut(ArrayViewD<A>)),
) {
    layer.parts_mut(&mut |part| match part {
        PartMut::Array(name, assign) => each(&join(path, name), assign),
        PartMut::Layer(None, layer) => walk_mut(layer, path, each),
        PartMut::Layer(Some(name), layer) => walk_mut(layer, &join(path, name), each),
    });
}

fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.into(),
        _ => format!("{path}/{name}"),
    }
}

/// A layer of a user's own among described ones.
pub(crate) struct Foreign<'l> {
    pub name: &'l str,
    pub count: ParameterCount,
}

impl<A: Element> Describe<A> for Foreign<'_> {
    fn class(&self) -> &'static str {
        "foreign"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        each(Part::Foreign(self.name));
    }

    fn parts_mut(&mut self, _: &mut dyn FnMut(PartMut<A>)) {}

    fn duplicate(&self) -> Option<Self> {
        None
    }

    fn count_parameters(&self) -> ParameterCount {
        self.count
    }
}
