//! Activations: by name, or as a layer with arguments.

use super::config::{Config, shown};
use super::context::Context;
use super::object::Object;
use crate::Activation;
use crate::error::{Error, Result};
use crate::format::json::Value;

impl Context {
    /// The activation of this key; `default` where there is none.
    pub fn activation(
        &self,
        config: &Config,
        key: &'static str,
        default: Activation,
    ) -> Result<Activation> {
        match config.optional(key) {
            None => Ok(default),
            Some(Value::String(name)) => self.activation_named(config, key, name),
            Some(value) => {
                let read = || {
                    let object = Object::read(value, key)?;
                    if !object.arguments().is_object() {
                        return Ok(None);
                    }
                    self.activation_layer(object.class, &object.config()?)
                };
                let known = read().map_err(|error: Error| error.within(config.part()))?;
                let expected = "the name of an activation: functions are not in the file";
                known.ok_or_else(|| config.refuse(key, expected, shown(value)))
            }
        }
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
            _ => name.parse().map_err(|_| {
                let expected = "the name of an activation of Keras, like tanh or sigmoid";
                config.refuse(key, expected, name)
            }),
        }
    }

    /// The layers that are activations; `None` for all others.
    pub fn activation_layer(&self, class: &str, config: &Config) -> Result<Option<Activation>> {
        let activation = match class {
            "Activation" => {
                config.get("activation")?;
                self.activation(config, "activation", Activation::Linear)?
            }
            "ReLU" => relu(config)?,
            // Keras 2 has `alpha` for what Keras 3 calls `negative_slope`.
            "LeakyReLU" => {
                let alpha = config.finite_or("alpha", 0.3)?;
                let alpha = config.finite_or("negative_slope", alpha)?;
                Activation::LeakyRelu { alpha }
            }
            "ELU" => Activation::Elu {
                alpha: config.finite_or("alpha", 1.0)?,
            },
            "ThresholdedReLU" => Activation::ThresholdedRelu {
                alpha: config.finite_or("theta", 1.0)?,
            },
            _ => return Ok(None),
        };
        self.check_dtype(config)?;
        config.done()?;
        Ok(Some(activation))
    }
}

/// Those of `ReLU` that this crate has.
fn relu(config: &Config) -> Result<Activation> {
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
