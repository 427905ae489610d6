//! `OwnParts`: what a file keeps of a layer of the caller's own.

use crate::Element;
use crate::format::json::Value;
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::{ArrayD, ArrayRef, Dimension};
use serde_json::Map;

/// What a file keeps of a layer of your own: a name by which `saved::Reader::layer` knows it, its configuration and its
/// weights. [`AnyLayer::own_parts`](crate::AnyLayer::own_parts) returns it.
#[derive(Clone, Debug)]
pub struct OwnParts<A> {
    pub(crate) class: String,
    pub(crate) config: Map<String, Value>,
    pub(crate) weights: Vec<(String, ArrayD<A>)>,
}

impl<A: Element> OwnParts<A> {
    /// Starts the parts of a layer of this class, without configuration and weights.
    pub fn new(class: impl Into<String>) -> Self {
        OwnParts {
            class: class.into(),
            config: Map::new(),
            weights: Vec::new(),
        }
    }

    /// Adds a number to the configuration. A file cannot keep one that is NaN or infinite: it is left out.
    pub fn number(self, key: impl Into<String>, number: A) -> Self {
        self.with(key, number.as_f64().into())
    }

    /// Adds a list of finite numbers to the configuration.
    pub fn numbers(self, key: impl Into<String>, numbers: &[A]) -> Self {
        let numbers: Vec<f64> = numbers.iter().map(|number| number.as_f64()).collect();
        self.with(key, numbers.into())
    }

    /// Adds a count to the configuration.
    pub fn count(self, key: impl Into<String>, count: usize) -> Self {
        self.with(key, count.into())
    }

    /// Adds a flag to the configuration.
    pub fn flag(self, key: impl Into<String>, yes: bool) -> Self {
        self.with(key, yes.into())
    }

    /// Adds a text to the configuration.
    pub fn text(self, key: impl Into<String>, text: impl Into<String>) -> Self {
        self.with(key, text.into().into())
    }

    /// Adds a weight. Weights keep their order.
    pub fn array<D: Dimension>(mut self, name: impl Into<String>, array: &ArrayRef<A, D>) -> Self {
        self.weights
            .push((name.into(), array.to_owned().into_dyn()));
        self
    }

    fn with(mut self, key: impl Into<String>, value: Value) -> Self {
        self.config.insert(key.into(), value);
        self
    }
}
