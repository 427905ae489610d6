//! `Out`: writes a file, layer by layer.

use super::OwnParts;
use super::layer::{Describe, KEY, Part, Weight};
use super::reading::VERSION;
use crate::Element;
use crate::error::{Error, Result};
use crate::format::json::Value;
use crate::format::safetensors::Writer;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde_json::{Map, json};

/// The description of a layer in a file.
#[derive(Default)]
struct Node {
    class: &'static str,
    config: Map<String, Value>,
    weights: Map<String, Value>,
    layers: Map<String, Value>,
}

impl Node {
    fn into_json(self) -> Value {
        let parts = [self.config, self.weights, self.layers].map(Value::Object);
        let parts = ["config", "weights", "layers"].into_iter().zip(parts);
        let there = parts.filter(|(_, part)| *part != json!({}));
        let mut node: Map<_, _> = there.map(|(key, part)| (key.to_string(), part)).collect();
        node.insert("class".into(), self.class.into());
        Value::Object(node)
    }
}

/// A file and the layer in it that is being written.
#[derive(Default)]
pub struct Out {
    file: Writer,
    /// The names of the enclosing layers.
    path: Vec<String>,
    node: Node,
}

impl Out {
    /// Writes the described layer.
    pub(crate) fn layer<A: Element>(&mut self, layer: &dyn Describe<A>) -> Result<()> {
        self.node.class = layer.class();
        let mut written = Ok(());
        layer.parts(&mut |part| {
            if written.is_ok() {
                written = self.part(part);
            }
        });
        written
    }

    fn part<A: Element>(&mut self, part: Part<A>) -> Result<()> {
        match part {
            Part::Option(key, value) => {
                self.node.config.insert(key.into(), value.to_json(key)?);
                Ok(())
            }
            Part::Array(key, _, array) => self.array(key, array),
            Part::Layer(key, name, layer) => self.inner(key, name, layer),
            Part::Foreign(layer) => {
                if let Some(parts) = layer.own_parts() {
                    self.own(&parts)
                } else {
                    let expected = "one of this crate: files cannot say what others compute (a layer of your own can be saved if it has `AnyLayer::own_parts`, a cell if it has `Cell::own_parts`)";
                    Err(Error::value("layer to save", expected, layer.name()))
                }
            }
        }
    }

    /// Writes the parts of a layer of the caller's own.
    fn own<A: Element>(&mut self, parts: &OwnParts<A>) -> Result<()> {
        let names: Vec<&str> = parts.weights.iter().map(|(name, _)| &**name).collect();
        let config = json!({"class": parts.class, "config": parts.config, "weights": names});
        if let Value::Object(config) = config {
            self.node.config.extend(config);
        }
        for (name, array) in &parts.weights {
            self.array(name, array)?;
        }
        Ok(())
    }

    fn array<A: Element>(&mut self, key: &str, array: &dyn Weight<A>) -> Result<()> {
        let home = match &self.path[..] {
            [] => self.node.class.to_string(),
            path => path.join("/"),
        };
        let plain = format!("{home}/{key}");
        let (mut name, mut count) = (plain.clone(), 0);
        // Several layers of a sequence may have the same name.
        while self.file.has(&name) {
            count += 1;
            name = format!("{plain}_{count}");
        }
        let array = array.to_array();
        self.file.add(&name, array.shape(), array.iter().copied())?;
        self.node.weights.insert(key.into(), name.into());
        Ok(())
    }

    /// Writes an inner layer. If it has a name, that is part of the names of its arrays.
    fn inner<A: Element>(
        &mut self,
        key: &str,
        name: Option<&str>,
        layer: &dyn Describe<A>,
    ) -> Result<()> {
        let outer = core::mem::take(&mut self.node);
        self.path.extend(name.map(String::from));
        let written = self.layer(layer);
        if name.is_some() {
            self.path.pop();
        }
        let inner = core::mem::replace(&mut self.node, outer);
        written.map_err(|error| error.within(&format!("layer {:?}", name.unwrap_or(key))))?;
        self.node.layers.insert(key.into(), inner.into_json());
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        let text = json!({ "version": VERSION, "layer": self.node.into_json() }).to_string();
        Ok(self.file.finish(&[(KEY, &text)])?)
    }
}
