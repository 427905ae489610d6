//! `Weights`: the arrays of a layer by name, every one of which has to be used.

use super::Outcome;
use super::family::Family;
use ndarray::ArrayD;
use serde_json::Value;
use std::collections::BTreeMap;

/// Which arrays the crate's own initialisers must give as well.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Initialised {
    Nothing,
    Bias,
    All,
}

#[derive(Clone)]
pub struct Weights {
    arrays: BTreeMap<String, ArrayD<f64>>,
    pub initialised: Initialised,
}

impl Weights {
    /// From `{"kernel": NAME, …}`.
    pub fn new(family: &Family, names: &Value) -> Outcome<Self> {
        let names = names
            .as_object()
            .ok_or_else(|| format!("weights are {names}"))?;
        let arrays = names
            .iter()
            .map(|(name, tensor)| Ok((name.clone(), family.tensor(tensor)?.clone())))
            .collect::<Outcome<_>>()?;
        Ok(Weights {
            arrays,
            initialised: Initialised::Nothing,
        })
    }

    /// Takes out the arrays behind `prefix/`, as `backward/kernel`.
    pub fn part(&mut self, prefix: &str) -> Self {
        let mut part = BTreeMap::new();
        self.arrays
            .retain(|name, array| match name.strip_prefix(prefix) {
                Some(rest) if rest.starts_with('/') => {
                    part.insert(rest[1..].to_string(), std::mem::take(array));
                    false
                }
                _ => true,
            });
        Weights {
            arrays: part,
            initialised: self.initialised,
        }
    }

    pub fn optional(&mut self, name: &str) -> Option<ArrayD<f64>> {
        self.arrays.remove(name)
    }

    pub fn take(&mut self, name: &str) -> Outcome<ArrayD<f64>> {
        self.optional(name)
            .ok_or_else(|| format!("no weights {name:?}").into())
    }

    /// Refuses arrays that were not taken.
    pub fn done(self) -> Outcome<()> {
        if self.arrays.is_empty() {
            return Ok(());
        }
        Err(format!(
            "unknown weights {:?}",
            self.arrays.keys().collect::<Vec<_>>()
        )
        .into())
    }
}
