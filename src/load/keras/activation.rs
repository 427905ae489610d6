//! Activations: by name, or as a layer with arguments.

use super::config::{Config, shown};
use super::context::Context;
use super::object::Object;
use crate::Activation;
use crate::describe::by_name;
use crate::error::{Error, Result};
use crate::format::json::Value;
use alloc::string::String;

impl Context {
    /// The activation of this key; `default` where there is none.
    pub fn activation(
        &self,
        config: &Config,
        key: &'static str,
        default: Activation,
    ) -> Result<Activation> {
        let said = config.optional(key);
        if let Some(own) = said.and_then(|value| self.own_function(value)) {
            return Ok(own);
        }
        match said {
            None => Ok(default),
            Some(Value::String(name)) => self.activation_named(config, key, name),
            Some(value) if function(value).is_some() => {
                let found = function(value).unwrap_or_default();
                Err(config.refuse(key, OF_KERAS, found))
            }
            Some(value) => {
                let read = || {
                    let object = Object::read(value, key)?;
                    let Some(read) =
                        reader(object.class).filter(|_| object.arguments().is_object())
                    else {
                        return Ok(None);
                    };
                    let config = object.config()?;
                    let activation = read(self, &config)?;
                    self.check_dtype(&config)?;
                    config.done()?;
                    Ok(Some(activation))
                };
                let known = read().map_err(|error: Error| error.within(config.part()))?;
                known.ok_or_else(|| config.refuse(key, OF_KERAS, shown(value)))
            }
        }
    }

    /// The function that the caller has given for this name.
    fn own_function(&self, value: &Value) -> Option<Activation> {
        let name = function(value)?;
        by_name(&self.overrides.own.functions, &name).copied()
    }

    fn activation_named(
        &self,
        config: &Config,
        key: &'static str,
        name: &str,
    ) -> Result<Activation> {
        match name {
            "hard_sigmoid" => Ok(self.hard_sigmoid()),
            // A name of this crate, not of Keras.
            "hard_sigmoid_keras2" => {
                Err(config.refuse(key, "the name of an activation of Keras", name))
            }
            _ => name.parse().map_err(|_| config.refuse(key, OF_KERAS, name)),
        }
    }
}

/// The name of a function: plain, or as Keras writes those that are registered.
fn function(value: &Value) -> Option<String> {
    let name = match value.get("class_name").and_then(Value::as_str) {
        Some("function") => value.get("config")?,
        _ => value,
    };
    name.as_str().map(String::from)
}

/// What is expected of the name of an activation.
const OF_KERAS: &str = "the name of an activation of Keras, like tanh or sigmoid (a function of your own is not in the file: give it to `keras::Reader::activation`)";

/// What reads a layer of this class, if it is an activation.
pub fn reader(class: &str) -> Option<fn(&Context, &Config) -> Result<Activation>> {
    Some(match class {
        "Activation" => |context, config| {
            config.get("activation")?;
            context.activation(config, "activation", Activation::Linear)
        },
        "ReLU" => |_, config| relu(config),
        // Keras 2 has `alpha` for what Keras 3 calls `negative_slope`.
        "LeakyReLU" => |_, config| {
            let alpha = config.finite_or("alpha", 0.3)?;
            let alpha = config.finite_or("negative_slope", alpha)?;
            Ok(Activation::LeakyRelu { alpha })
        },
        "ELU" => |_, config| {
            let alpha = config.finite_or("alpha", 1.0)?;
            Ok(Activation::Elu { alpha })
        },
        "ThresholdedReLU" => |_, config| {
            let alpha = config.finite_or("theta", 1.0)?;
            Ok(Activation::ThresholdedRelu { alpha })
        },
        _ => return None,
    })
}

/// Those of `ReLU` that this crate has.
pub fn relu(config: &Config) -> Result<Activation> {
    let most = config.number_or("max_value", f64::INFINITY)?;
    let alpha = config.finite_or("negative_slope", 0.0)?;
    let threshold = config.finite_or("threshold", 0.0)?;
    #[allow(clippy::float_cmp)] // as they are written
    match (most, alpha, threshold) {
        (f64::INFINITY, 0.0, 0.0) => Ok(Activation::Relu),
        (6.0, 0.0, 0.0) => Ok(Activation::Relu6),
        (f64::INFINITY, alpha, 0.0) => Ok(Activation::LeakyRelu { alpha }),
        (f64::INFINITY, 0.0, alpha) => Ok(Activation::ThresholdedRelu { alpha }),
        _ => {
            let expected = "one of max_value 6, negative_slope and threshold at most";
            let found =
                alloc::format!("max_value {most}, negative_slope {alpha}, threshold {threshold}");
            Err(config.refuse("max_value", expected, found))
        }
    }
}
