//! `Weight`: a weight that is to be updated, with its gradient.

use crate::Element;
use crate::describe::{Describe, Role, assign, walk};
use crate::error::{Error, Result};
use crate::gradients::Gradients;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::ArrayD;

/// A weight as its owner has it, before anything is checked.
pub(super) struct Weight<A> {
    pub path: String,
    /// Whether gradients train it.
    pub is_trainable: bool,
    /// Its numbers, if they are wanted.
    pub array: Option<ArrayD<A>>,
}

/// A weight whose gradient was given, or is kept from a call before.
pub(super) struct Target<'g, A> {
    pub path: String,
    pub array: ArrayD<A>,
    pub gradient: Option<&'g ArrayD<A>>,
}

/// Who has the weights: it hands them out and takes them back.
pub(super) trait Owner<A> {
    /// All weights. Those that are `wanted` come with their numbers.
    fn weights(&self, wanted: &dyn Fn(&str) -> bool) -> Vec<Weight<A>>;

    /// Replaces the numbers at a path. Returns whether they can be replaced.
    fn set(&mut self, path: &str, array: &ArrayD<A>) -> bool;
}

/// The owner of the weights of a layer.
pub(super) struct OfLayer<'l, A>(pub &'l mut dyn Describe<A>);

impl<A: Element> Owner<A> for OfLayer<'_, A> {
    fn weights(&self, wanted: &dyn Fn(&str) -> bool) -> Vec<Weight<A>> {
        let mut weights = Vec::new();
        walk(&*self.0, "", &mut |path, role, weight| {
            let is_trainable = role == Role::Trainable;
            weights.push(Weight {
                path: path.into(),
                is_trainable,
                array: (is_trainable && wanted(path)).then(|| weight.to_array()),
            });
        });
        weights
    }

    fn set(&mut self, path: &str, array: &ArrayD<A>) -> bool {
        assign(self.0, path, array.view())
    }
}

impl<A: Element> Owner<A> for &mut [(String, ArrayD<A>)] {
    fn weights(&self, wanted: &dyn Fn(&str) -> bool) -> Vec<Weight<A>> {
        let weights = self.iter().map(|(path, array)| Weight {
            path: path.clone(),
            is_trainable: true,
            array: wanted(path).then(|| array.clone()),
        });
        weights.collect()
    }

    fn set(&mut self, path: &str, array: &ArrayD<A>) -> bool {
        let weight = self.iter_mut().find(|(at, _)| at == path);
        weight.is_some_and(|(_, weight)| {
            weight.assign(array);
            true
        })
    }
}

/// The weights whose numbers were wanted, with their gradients, in the order of their owner. Returns an error if gradient and
/// weight do not fit, or a gradient is not finite.
pub(super) fn targets<A: Element>(
    weights: Vec<Weight<A>>,
    gradients: &Gradients<A>,
) -> Result<Vec<Target<'_, A>>> {
    let mut left: BTreeMap<&str, &ArrayD<A>> = gradients.iter().collect();
    if left.len() < gradients.iter().len() {
        let mut seen = BTreeSet::new();
        let mut paths = gradients.iter().map(|(path, _)| path);
        let twice = paths.find(|path| !seen.insert(*path)).unwrap_or_default();
        return Err(twofold(twice));
    }
    let paths: Vec<String> = paths_of(&weights).map(String::from).collect();
    let (mut seen, mut targets) = (BTreeSet::new(), Vec::new());
    for weight in weights {
        let Some(array) = weight.array else {
            continue;
        };
        let path = weight.path;
        if !seen.insert(path.clone()) {
            return Err(twofold(&path));
        }
        let gradient = left.remove(&*path);
        if let Some(gradient) = gradient {
            check_shape("gradient", &path, array.shape(), gradient.shape())?;
            check_finite("gradient", &path, gradient)?;
        }
        targets.push(Target {
            path,
            array,
            gradient,
        });
    }
    match left.keys().next() {
        None => Ok(targets),
        Some(path) => {
            let expected = format!("one of the trainable weights {}", paths.join(", "));
            Err(Error::value(
                "path of a gradient",
                expected,
                format!("{path:?}"),
            ))
        }
    }
}

/// The paths of the weights that gradients train.
pub(super) fn paths_of<A>(weights: &[Weight<A>]) -> impl Iterator<Item = &str> + Clone {
    let trainable = weights.iter().filter(|weight| weight.is_trainable);
    trainable.map(|weight| &*weight.path)
}

/// Refuses an array whose shape is not that of the weight.
pub(super) fn check_shape(
    what: &'static str,
    path: &str,
    expected: &[usize],
    found: &[usize],
) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let expected = format!("the shape {expected:?} of the weight");
    let found = format!("of shape {found:?} for {path:?}");
    Err(Error::value(what, expected, found))
}

/// Refuses an array with a number that is not finite.
pub(super) fn check_finite<A: Element>(
    what: &'static str,
    path: &str,
    array: &ArrayD<A>,
) -> Result<()> {
    match array.iter().find(|x| !x.is_finite()) {
        None => Ok(()),
        Some(x) => {
            let found = format!("{x} in {path:?}");
            Err(Error::value(what, "finite numbers", found))
        }
    }
}

fn twofold(path: &str) -> Error {
    let found = format!("twofold: {path:?}");
    Error::value("path", "one of one weight only", found)
}
