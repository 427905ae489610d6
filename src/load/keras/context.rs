//! `Context`: what holds for a whole file: its version, what the caller said, and what was decided.

use super::config::{Config, shown};
use super::usage::Usage;
use super::version::Version;
use crate::Activation;
use crate::describe::Own;
use crate::error::Result;
use crate::format::json::Value;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::any::Any;
use core::cell::RefCell;

/// What the caller says where files leave it to their version.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub version: Option<Version>,
    pub recurrent_activation: Option<Activation>,
    pub reset_after: Option<bool>,
    pub hard_sigmoid: Option<Activation>,
    /// Layers and functions of the caller's own.
    pub own: Own,
}

/// How the arrays of a file are ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A list for every layer of the outermost model: `.h5`.
    Lists,
    /// A tree of layers: `.weights.h5`.
    Tree,
    /// A tree of layers as Keras 2.12 to 2.14 wrote it, and the groups in it that hold arrays.
    Dependencies(Vec<String>),
}

/// A layer that stands in several models: made where it stands first.
pub struct Shared {
    pub usage: Usage,
    pub slot: Rc<dyn Any>,
}

/// What holds for a whole file.
pub struct Context {
    pub version: Version,
    pub overrides: Overrides,
    pub layout: Layout,
    /// Whether kernels of convolutions were written by Theano, which turns them around.
    pub turned_kernels: bool,
    /// Layers that stand in several models, by the number that Keras gave them.
    pub shared: RefCell<BTreeMap<i64, Shared>>,
    notes: RefCell<Vec<String>>,
}

impl Context {
    pub fn new(version: Version, overrides: &Overrides, layout: Layout) -> Self {
        Context {
            version: overrides.version.clone().unwrap_or(version),
            overrides: overrides.clone(),
            layout,
            turned_kernels: false,
            shared: RefCell::default(),
            notes: RefCell::default(),
        }
    }

    /// Something that was decided, once.
    pub fn note(&self, text: impl ToString) {
        let (text, mut notes) = (text.to_string(), self.notes.borrow_mut());
        if !notes.contains(&text) {
            notes.push(text);
        }
    }

    /// Which Keras wrote the file, and all that was decided.
    pub fn into_notes(self) -> Vec<String> {
        let mut notes = self.notes.into_inner();
        notes.insert(0, format!("Keras {}", self.version));
        notes
    }

    /// Reads the type of the numbers that a layer computes in. Here it is that of the model, whatever the file says, so a
    /// narrow one only rounds more in Keras; what is quantised has other weights.
    pub fn check_dtype(&self, config: &Config) -> Result<()> {
        let Some(dtype) = config.optional("dtype") else {
            return Ok(());
        };
        let name = match dtype {
            Value::String(name) => Some(name.as_str()),
            _ => dtype.pointer("/config/name").and_then(Value::as_str),
        };
        match name {
            Some("float32" | "float64") => Ok(()),
            Some(name @ ("float16" | "bfloat16" | "mixed_float16" | "mixed_bfloat16")) => {
                self.note(format!("{name} is computed in the type of the model"));
                Ok(())
            }
            _ => {
                let expected = "a floating-point type that is not quantised";
                Err(config.refuse("dtype", expected, shown(dtype)))
            }
        }
    }

    /// Refuses a kernel that Theano turned around, for layers that are not known to be so.
    pub fn check_not_turned(&self, config: &Config) -> Result<()> {
        if self.turned_kernels {
            return Err(config.refuse("backend", "another, for this layer", "theano"));
        }
        Ok(())
    }

    /// What `hard_sigmoid` means in this file.
    pub fn hard_sigmoid(&self) -> Activation {
        if let Some(activation) = self.overrides.hard_sigmoid {
            self.note(format!("hard_sigmoid is {activation}, as the caller says"));
            return activation;
        }
        let activation = self.version.hard_sigmoid();
        let (formula, of) = if self.version.major() < 3 {
            ("0.2x + 0.5", "Keras 1 and 2")
        } else {
            ("x/6 + 0.5", "Keras 3")
        };
        self.note(format!("hard_sigmoid is {formula}, as in {of}"));
        activation
    }

    /// What the gates have if the configuration does not say.
    pub fn recurrent_activation(&self, part: &str) -> Result<Activation> {
        let said = self.overrides.recurrent_activation;
        let decided = said.or_else(|| self.version.recurrent_activation());
        let activation = self.decided(part, "recurrent_activation", said.is_some(), decided)?;
        if said.is_none() && activation == Activation::HARD_SIGMOID_KERAS2 {
            return Ok(self.hard_sigmoid());
        }
        Ok(activation)
    }

    /// The form of the reset gate if the configuration does not say.
    pub fn reset_after(&self, part: &str) -> Result<bool> {
        let said = self.overrides.reset_after;
        let decided = said.or_else(|| self.version.reset_after());
        self.decided(part, "reset_after", said.is_some(), decided)
    }

    fn decided<T: core::fmt::Display>(
        &self,
        part: &str,
        what: &str,
        said: bool,
        value: Option<T>,
    ) -> Result<T> {
        let Some(value) = value else {
            let part = format!("{part}: {what}");
            let expected =
                format!("it in the file or from `Reader::{what}`: TensorFlow 1 and 2 differ in it");
            let found = format!("none, and the version {}", self.version);
            return Err(crate::Error::file(part, expected, found));
        };
        let by = if said {
            "the caller says".to_string()
        } else {
            format!("Keras {} has it by default", self.version)
        };
        self.note(format!("{part}: {what} is {value}, as {by}"));
        Ok(value)
    }
}
