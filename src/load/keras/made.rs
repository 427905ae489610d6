//! `Made`: a layer that was made; `Asked`: one that is to be read.

use super::config::Config;
use super::context::Context;
use super::object::Object;
use super::plan::Plan;
use super::usage::Usage;
use crate::error::Result;
use crate::{AnyLayer, Element};
use alloc::sync::Arc;

/// A layer that was made.
pub struct Made<A> {
    pub layer: Arc<dyn AnyLayer<A>>,
    /// The length of the last axis of its input, where the weights say it.
    pub features: Option<usize>,
}

impl<A: Element> Made<A> {
    /// A layer that takes any number of features.
    pub fn of(layer: impl AnyLayer<A> + 'static) -> Self {
        Made {
            layer: Arc::new(layer),
            features: None,
        }
    }

    /// A layer whose weights are for this number of features.
    pub fn of_features(layer: impl AnyLayer<A> + 'static, features: usize) -> Self {
        Made {
            layer: Arc::new(layer),
            features: Some(features),
        }
    }
}

impl<A> Clone for Made<A> {
    fn clone(&self) -> Self {
        Made {
            layer: Arc::clone(&self.layer),
            features: self.features,
        }
    }
}

/// The plan of a layer, if it can be read.
pub type Planned<A> = Result<Plan<Made<A>>>;

/// What reads layers of a class.
pub type Read<A> = fn(&Asked<A>) -> Planned<A>;

/// What reads a layer of any class.
pub type ReadAny<A> = fn(&Context, &Object, Usage) -> Planned<A>;

/// A layer that is to be read.
pub struct Asked<'r, A> {
    pub context: &'r Context,
    pub object: &'r Object<'r>,
    /// Its arguments. A reader takes those that it knows, [`read`](Self::read) refuses the others.
    pub config: &'r Config<'r>,
    pub usage: Usage,
    /// For a layer that stands in it.
    pub inside: ReadAny<A>,
}

impl<A: Element> Asked<'_, A> {
    pub fn read(&self, read: Read<A>) -> Planned<A> {
        let plan = read(self)?;
        self.context.check_dtype(self.config)?;
        self.config.done()?;
        Ok(plan)
    }
}

/// The plan of a layer without weights.
#[allow(clippy::unnecessary_wraps)] // as readers give it
pub fn bare<A: Element>(layer: impl AnyLayer<A> + 'static) -> Planned<A> {
    Ok(Plan::of(Made::of(layer)))
}
