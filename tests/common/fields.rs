//! `Fields`: a JSON object of which every key has to be read.

use super::Outcome;
use super::family::Family;
use recurrent::{Activation, Initializer};
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// A JSON object that remembers which keys were read, so that [`done`](Self::done) can refuse an option of a case that
/// nobody looked at.
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    read: RefCell<BTreeSet<String>>,
}

impl<'a> Fields<'a> {
    pub fn new(value: &'a Value) -> Outcome<Self> {
        let object = value
            .as_object()
            .ok_or_else(|| format!("not a JSON object: {value}"))?;
        Ok(Fields {
            object,
            read: RefCell::default(),
        })
    }

    /// The value of a key that may be missing or null.
    pub fn optional(&self, key: &str) -> Option<&'a Value> {
        self.read.borrow_mut().insert(key.into());
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// The value of a key that must be there, but may be null.
    pub fn nullable(&self, key: &str) -> Outcome<Option<&'a Value>> {
        if !self.object.contains_key(key) {
            return Err(format!("no key {key:?}").into());
        }
        Ok(self.optional(key))
    }

    pub fn get(&self, key: &str) -> Outcome<&'a Value> {
        self.optional(key)
            .ok_or_else(|| format!("no key {key:?}").into())
    }

    fn typed<T>(&self, key: &str, cast: impl Fn(&'a Value) -> Option<T>) -> Outcome<T> {
        let value = self.get(key)?;
        cast(value).ok_or_else(|| format!("{key:?} is {value}, not of the expected type").into())
    }

    pub fn bool(&self, key: &str) -> Outcome<bool> {
        self.typed(key, Value::as_bool)
    }

    pub fn text(&self, key: &str) -> Outcome<&'a str> {
        self.typed(key, Value::as_str)
    }

    pub fn number(&self, key: &str) -> Outcome<f64> {
        self.typed(key, Value::as_f64)
    }

    pub fn count(&self, key: &str) -> Outcome<usize> {
        self.typed(key, |value| usize::try_from(value.as_u64()?).ok())
    }

    pub fn list(&self, key: &str) -> Outcome<&'a Vec<Value>> {
        self.typed(key, Value::as_array)
    }

    pub fn activation(&self, key: &str) -> Outcome<Activation> {
        let name = self.text(key)?;
        if name == "threshold" {
            // It has no name without its arguments; the data take these.
            return Ok(Activation::Threshold {
                threshold: 1.0,
                value: 0.0,
            });
        }
        name.parse()
            .map_err(|e| format!("unknown activation {name:?}: {e}").into())
    }

    /// An initialiser that makes the same weights everywhere.
    pub fn initializer(&self, key: &str) -> Outcome<Initializer> {
        let value = self.get(key)?;
        match (
            value.as_str(),
            value.get("constant").and_then(Value::as_f64),
        ) {
            (Some("zeros"), _) => Ok(Initializer::Zeros),
            (Some("ones"), _) => Ok(Initializer::Ones),
            (_, Some(constant)) => Ok(Initializer::Constant(constant)),
            _ => Err(format!("unknown {key} {value}").into()),
        }
    }

    /// These keys change no number.
    pub fn ignore(&self, keys: &[&str]) {
        self.read
            .borrow_mut()
            .extend(keys.iter().map(ToString::to_string));
    }

    /// Refuses keys that were not read, as in a configuration, where each may change a number.
    pub fn done(&self) -> Outcome<()> {
        self.refuse(|_| true)
    }

    /// Refuses keys that were not read and name a tensor, which is an input or an output. Others only describe a case.
    pub fn only_describes(&self, family: &Family) -> Outcome<()> {
        self.refuse(|value| family.names_tensor(value))
    }

    fn refuse(&self, matters: impl Fn(&Value) -> bool) -> Outcome<()> {
        let read = self.read.borrow();
        let unknown = self.object.iter();
        let unknown: Vec<_> = unknown
            .filter(|(key, value)| !read.contains(*key) && matters(value))
            .map(|(key, _)| key)
            .collect();
        if unknown.is_empty() {
            Ok(())
        } else {
            Err(format!("unknown keys {unknown:?}").into())
        }
    }
}
