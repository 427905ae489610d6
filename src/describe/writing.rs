//! `Out`: a file that is being written, layer by layer.

use super::{KEY, VERSION};
use crate::Element;
use crate::error::{Error, Result};
use crate::format::json::Value;
use crate::format::safetensors::Writer;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Debug;
use ndarray::{Array, ArrayRef, Dimension};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, json};

/// What a file says of a layer.
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

/// A file that is being written, and the layer in it that is.
#[derive(Default)]
pub struct Out {
    file: Writer,
    /// The names of the layers around.
    path: Vec<String>,
    node: Node,
}

impl Out {
    /// Which layer it is.
    pub(crate) fn class(&mut self, class: &'static str) {
        self.node.class = class;
    }

    /// An option. Refuses one that would not be read as it is: JSON has finite numbers only.
    pub(crate) fn set<T>(&mut self, key: &'static str, value: &T) -> Result<()>
    where
        T: Serialize + DeserializeOwned + PartialEq + Debug,
    {
        let json = json(key, value)?;
        if T::deserialize(&json).is_ok_and(|again| again == *value) {
            self.node.config.insert(key.into(), json);
            return Ok(());
        }
        Err(Error::file(key, "what JSON can hold", format!("{value:?}")))
    }

    /// An option that is made of others, of which no number is a fraction.
    pub(crate) fn list<T: Serialize>(&mut self, key: &'static str, value: &T) -> Result<()> {
        self.node.config.insert(key.into(), json(key, value)?);
        Ok(())
    }

    /// An array.
    pub(crate) fn array<A: Element, D: Dimension>(
        &mut self,
        key: &'static str,
        array: &ArrayRef<A, D>,
    ) -> Result<()> {
        let home = match &self.path[..] {
            [] => self.node.class.to_string(),
            path => path.join("/"),
        };
        let plain = format!("{home}/{key}");
        let (mut name, mut count) = (plain.clone(), 0);
        // Layers of a sequence may have one name.
        while self.file.has(&name) {
            count += 1;
            name = format!("{plain}_{count}");
        }
        self.file.add(&name, array.shape(), array.iter().copied())?;
        self.node.weights.insert(key.into(), name.into());
        Ok(())
    }

    /// An array that may be left out.
    #[allow(clippy::ref_option)] // as it stands in layers
    pub(crate) fn optional<A: Element, D: Dimension>(
        &mut self,
        key: &'static str,
        array: &Option<Array<A, D>>,
    ) -> Result<()> {
        array
            .as_ref()
            .map_or(Ok(()), |array| self.array(key, array))
    }

    /// A layer inside, which has this name in those of arrays, if it has one.
    pub(crate) fn layer(
        &mut self,
        key: &str,
        name: Option<&str>,
        write: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let outer = core::mem::take(&mut self.node);
        self.path.extend(name.map(String::from));
        let written = write(self);
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

fn json<T: Serialize>(key: &str, value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| Error::file(key, "what JSON can hold", error))
}
