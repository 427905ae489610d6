//! `Leaf`: a layer in a configuration that is not made of layers.

use super::arguments::Arguments;
use super::cells::cell;
use super::config::Config;
use super::context::Context;
use super::layers::{read_flags, single};
use super::made::Asked;
use super::object::Object;
use super::plan::Want;
use super::unknown::missing;
use super::usage::Usage;
use crate::error::{Error, Result};
use crate::format::json::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// A layer in a configuration that is not made of layers, or the cell of one.
#[derive(Clone)]
pub struct Leaf {
    /// The names of the layers that it is in and its own one: `part/first`, `bi/forward_layer`.
    pub name: String,
    /// The layer of the outermost model that it is or is in.
    pub top: String,
    /// Its group in a tree.
    pub group: String,
    /// The groups around it, and the names of the layers whose groups they must be.
    pub names: Vec<(String, String)>,
    /// Whether it is trained.
    pub trainable: bool,
    /// What its layer does that a cell cannot say of itself: an argument, and its value.
    pub lost: Vec<(&'static str, bool)>,
    /// The class, and the arguments.
    pub object: Value,
}

impl Leaf {
    pub fn class(&self) -> &str {
        let class = self.object.get("class_name");
        class.and_then(Value::as_str).unwrap_or("no class")
    }

    /// What its configuration calls it, wherever it is.
    pub fn own_name(&self) -> Option<&str> {
        self.object.pointer("/config/name").and_then(Value::as_str)
    }

    /// The arrays that it has in a file; an error if this crate does not know them.
    pub fn wants(&self, context: &Context) -> Result<Vec<Want>> {
        let object = Object::read(&self.object, &self.name)?;
        let config = &object.config()?;
        let mut wants = if let Some(plan) = cell::<f32>(context, object.class, config)? {
            plan.wants
        } else {
            let read = single::<f32>(object.class).ok_or_else(|| missing(&object))?;
            let asked = Asked {
                context,
                object: &object,
                config,
                usage: Usage::default(),
                inside: |_, object, _| Err(missing(object)),
            };
            asked.read(read)?.wants
        };
        for want in &mut wants {
            want.path = format!("{}/{}", self.group, want.path);
            want.top.clone_from(&self.top);
            want.part = object.part();
            want.trainable &= self.trainable;
        }
        Ok(wants)
    }

    /// Its arguments, if it is such a layer.
    pub fn arguments<Of: Arguments>(&self, context: &Context) -> Result<Of> {
        let class = self.class();
        let kind = class.strip_suffix("Cell").unwrap_or(class);
        if kind.strip_prefix("CuDNN").unwrap_or(kind) != Of::CLASS {
            return Err(Error::file("class in the configuration", Of::CLASS, class));
        }
        let object = Object::read(&self.object, &self.name)?;
        let config = Config::new(class.to_string(), object.arguments())?;
        let of = Of::read(context, kind, &config)?;
        if kind == class {
            read_flags(&config)?;
        }
        context.check_dtype(&config)?;
        config.done()?;
        if let Some(&(key, found)) = self.lost.first() {
            let expected = format!(
                "{}, since a cell alone does not carry it (load the whole model with `keras::load`, or build the cell of \
                 `Weights::arrays` and say it in each run)",
                !found
            );
            return Err(config.refuse(key, expected, found));
        }
        of.check_overrides(&context.overrides)?;
        Ok(of)
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Leaf");
        f.field("name", &self.name).field("class", &self.class());
        f.finish_non_exhaustive()
    }
}
