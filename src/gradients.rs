//! `Gradients`: an array for every trainable weight of a layer, by its path.

use crate::Element;
use crate::describe::{Describe, Role, walk};
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::ArrayD;

/// An array for every trainable weight of a layer or model, by its path: the gradients of a loss.
///
/// The paths, the shapes and the order are those of [`Model::weights`](crate::Model::weights).
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients<A> {
    arrays: Vec<(String, ArrayD<A>)>,
}

impl<A: Element> Gradients<A> {
    /// Zeros for every trainable weight of a layer.
    pub(crate) fn zeros_like(layer: &dyn Describe<A>) -> Self {
        let mut arrays = Vec::new();
        walk(layer, "", &mut |path, role, weight| {
            if role == Role::Trainable {
                arrays.push((path.into(), ArrayD::zeros(weight.shape())));
            }
        });
        Gradients { arrays }
    }

    /// The gradient of the weight at this path, to be changed.
    pub fn get_mut(&mut self, path: &str) -> Option<&mut ArrayD<A>> {
        let mut arrays = self.arrays.iter_mut();
        arrays.find(|(at, _)| at == path).map(|(_, array)| array)
    }

    /// Makes gradients of these arrays, each with the path of its weight.
    pub fn from_arrays(arrays: Vec<(String, ArrayD<A>)>) -> Self {
        Gradients { arrays }
    }

    /// The gradient of the weight at this path.
    pub fn get(&self, path: &str) -> Option<&ArrayD<A>> {
        let mut arrays = self.arrays.iter();
        arrays.find(|(at, _)| at == path).map(|(_, array)| array)
    }

    /// The norm of all gradients together, √(Σ g²). It is summed in `f64`, over the arrays in their order and each in
    /// row-major order. Source: the result of `torch.nn.utils.clip_grad_norm_`.
    pub fn norm(&self) -> f64 {
        let arrays = self.arrays.iter();
        libm::sqrt(arrays.fold(0.0, |sum, (_, array)| sum + sum_of_squares(array)))
    }

    /// Keeps the gradients of these paths only. An optimiser does not move a weight without a gradient.
    pub fn retain(&mut self, mut keeps: impl FnMut(&str) -> bool) {
        self.arrays.retain(|(path, _)| keeps(path));
    }

    /// Every path with its gradient.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &ArrayD<A>)> {
        self.arrays
            .iter()
            .map(|(path, array)| (path.as_str(), array))
    }

    /// Every path with its gradient, to be changed.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut ArrayD<A>)> {
        let arrays = self.arrays.iter_mut();
        arrays.map(|(path, array)| (path.as_str(), array))
    }
}

impl<A: Element> Gradients<A> {
    /// All entries, for the layer that they belong to.
    pub(crate) fn all(&mut self) -> LayerGradients<'_, A> {
        LayerGradients {
            entries: &mut self.arrays,
            depth: 0,
        }
    }
}

/// The entries of one layer. Its backward pass adds to them.
pub struct LayerGradients<'g, A> {
    entries: &'g mut [(String, ArrayD<A>)],
    /// The length of the part of the paths that leads to this layer.
    depth: usize,
}

impl<A: Element> LayerGradients<'_, A> {
    /// The gradient of this array of the layer, to be added to; `None` if it is frozen or the layer does not have it.
    pub fn array(&mut self, name: &str) -> Option<&mut ArrayD<A>> {
        let depth = self.depth;
        let mut entries = self.entries.iter_mut();
        let found = entries.find(|(path, _)| path[depth..] == *name);
        found.map(|(_, array)| array)
    }

    /// The entries of an inner layer that adds this name to the paths.
    pub(crate) fn layer(&mut self, name: &str) -> LayerGradients<'_, A> {
        let depth = self.depth;
        let inside = |entry: &(String, ArrayD<A>)| {
            let rest = entry.0[depth..].strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let first = self.entries.iter().position(inside);
        let first = first.unwrap_or(self.entries.len());
        let rest = &mut self.entries[first..];
        let count = rest.iter().take_while(|entry| inside(entry)).count();
        LayerGradients {
            entries: &mut rest[..count],
            depth: depth + name.len() + 1,
        }
    }

    /// The same entries, for an inner layer that adds no name to the paths.
    pub(crate) fn reborrow(&mut self) -> LayerGradients<'_, A> {
        LayerGradients {
            entries: self.entries,
            depth: self.depth,
        }
    }
}

/// Σ x², in `f64` and in row-major order, however the array lies in memory.
pub(crate) fn sum_of_squares<A: Element>(array: &ArrayD<A>) -> f64 {
    let square = |x: &A| x.as_f64() * x.as_f64();
    array.iter().fold(0.0, |sum, x| sum + square(x))
}
