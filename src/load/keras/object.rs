//! `Object`: a layer or a model as Keras writes it, with its class and its arguments.

use super::config::{Config, shown};
use crate::error::{Error, Result};
use crate::format::json::Value;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

/// Ends what errors expect where a layer is missing.
macro_rules! or_by_hand {
    ($expected:literal) => {
        concat!(
            $expected,
            " (give a layer of your own to `keras::Reader::layer`, a cell to `keras::Reader::cell`, the function of a Lambda to `keras::Reader::lambda`; or build the model with `Model::graph`, the arrays of `keras::Weights` and your own `AnyLayer`)"
        )
    };
}
pub(super) use or_by_hand;

/// A layer or a model as Keras writes it.
pub struct Object<'j> {
    pub class: &'j str,
    pub name: String,
    pub json: &'j Value,
    arguments: &'j Value,
}

/// Where the classes of Keras live.
const MODULES: [&str; 3] = ["keras", "tf_keras", "tensorflow"];

impl<'j> Object<'j> {
    /// `part` says in errors where it stands. Refuses a class of somebody else.
    pub fn read(json: &'j Value, part: &str) -> Result<Self> {
        let object = Self::of_anyone(json, part)?;
        object.check_home()?;
        Ok(object)
    }

    /// The same, whoever wrote the class.
    pub fn of_anyone(json: &'j Value, part: &str) -> Result<Self> {
        let text = |key| json.get(key).and_then(Value::as_str);
        let Some(class) = text("class_name") else {
            let expected = "an object with a \"class_name\"";
            return Err(Error::file(part, expected, shown(json)));
        };
        let nothing = || Error::file(part, format!("a {class} with a \"config\""), "none");
        let arguments = json.get("config").ok_or_else(nothing)?;
        let name = text("name").or_else(|| arguments.get("name")?.as_str());
        Ok(Object {
            class,
            name: name.unwrap_or(class).to_owned(),
            json,
            arguments,
        })
    }

    /// The class with its package, if it was registered in one: `package>Class`.
    pub fn registered_name(&self) -> &'j str {
        let said = self.json.get("registered_name").and_then(Value::as_str);
        said.unwrap_or(self.class)
    }

    /// What errors call it.
    pub fn part(&self) -> String {
        format!("layer {:?} ({})", self.name, self.class)
    }

    pub fn config(&self) -> Result<Config<'j>> {
        Config::new(self.part(), self.arguments)
    }

    /// The arguments themselves: a list in the `Sequential` of Keras 1 and early 2.
    pub fn arguments(&self) -> &'j Value {
        self.arguments
    }

    /// Whether it is part of training, said of it itself.
    pub fn is_trainable(&self) -> bool {
        let said = self.arguments.get("trainable").and_then(Value::as_bool);
        said.unwrap_or(true)
    }

    pub fn is_model(&self) -> bool {
        matches!(self.class, "Functional" | "Model" | "Sequential")
    }

    /// Refuses a class of somebody else, which may have the name of one of Keras.
    pub fn check_home(&self) -> Result<()> {
        let refuse = |found: &str| {
            let expected =
                or_by_hand!("a class of Keras itself, as what others compute is not in the file");
            Err(Error::file(self.part(), expected, found))
        };
        let registered = self.json.get("registered_name").and_then(Value::as_str);
        match registered {
            Some(name) if name != self.class => return refuse(&format!("the class {name:?}")),
            // A `.h5` has nothing else that says it: `package>Class`.
            _ if self.class.contains('>') => return refuse(&format!("the class {:?}", self.class)),
            _ => {}
        }
        match self.json.get("module") {
            Some(Value::String(module)) => {
                let home = module.split('.').next().unwrap_or_default();
                if MODULES.contains(&home) {
                    return Ok(());
                }
                refuse(&format!("a class of the module {module:?}"))
            }
            // A class of nobody's module is registered under its own name.
            Some(Value::Null) if registered.is_some() => refuse("a class without a module"),
            _ => Ok(()),
        }
    }
}
