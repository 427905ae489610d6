//! What the layers of a Keras file say of training: which of them are frozen, their penalties and their constraints.

use super::config::{Config, items, shown};
use super::object::Object;
use crate::error::{Error, Result};
use crate::format::json::Value;
use crate::train::{Constraint, Regularizer, Training, TrainingBuilder};
use crate::{Element, Model};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What is expected in the place of a penalty of outputs.
const NO_ACTIVITY: &str =
    "none: penalties of outputs are no part of a training here (a loss of your own may have them)";

/// The names of a layer, from the outermost model on.
type Path = Vec<String>;

/// Something that is said of a weight.
struct Of<T> {
    layer: Path,
    weight: &'static str,
    /// Whether the layer may be without this weight.
    is_optional: bool,
    /// Where it stands in the file, for errors.
    part: String,
    said: T,
}

/// What the layers of a model say of training.
#[derive(Default)]
pub struct OfLayers {
    frozen: Vec<Path>,
    regularizers: Vec<Of<Regularizer>>,
    constraints: Vec<Of<Constraint>>,
    /// Batch normalisations without a weight that learns.
    bare: Vec<Path>,
}

impl OfLayers {
    /// Reads the configuration of a model.
    pub fn read(config: &Value, part: &str) -> Result<Self> {
        let mut said = OfLayers::default();
        said.walk(&Object::of_anyone(config, part)?, &Path::new())?;
        Ok(said)
    }

    fn walk(&mut self, object: &Object, path: &Path) -> Result<()> {
        if !object.is_trainable() {
            self.frozen.push(path.clone());
        }
        let arguments = object.arguments();
        let under = |names: &[&str]| {
            let names = names.iter().map(ToString::to_string);
            path.iter().cloned().chain(names).collect::<Path>()
        };
        let inner = |value| Object::of_anyone(value, &object.part());
        let list = |value| items(value).unwrap_or_default().iter().map(inner);
        if object.is_model() {
            // The `Sequential` of early Keras 2 is the list itself.
            for layer in list(arguments.get("layers").unwrap_or(arguments)) {
                let layer = layer?;
                self.walk(&layer, &under(&[&layer.name]))?;
            }
            return Ok(());
        }
        let part = |key| arguments.get(key).filter(|value| !value.is_null());
        match object.class {
            "Bidirectional" => {
                let forward = part("layer");
                let both = [
                    (forward, "forward"),
                    (part("backward_layer").or(forward), "backward"),
                ];
                for (layer, name) in both {
                    if let Some(layer) = layer {
                        self.walk(&inner(layer)?, &under(&[name]))?;
                    }
                }
                Ok(())
            }
            "TimeDistributed" => match part("layer") {
                Some(layer) => self.walk(&inner(layer)?, path),
                None => Ok(()),
            },
            "RNN" => match part("cell") {
                Some(cell) => self.walk(&inner(cell)?, path),
                None => Ok(()),
            },
            "StackedRNNCells" => {
                let cells = list(part("cells").unwrap_or(&Value::Null));
                let cells: Vec<Object> = cells.collect::<Result<_>>()?;
                for (at, cell) in cells.iter().enumerate() {
                    let mut names: Vec<&str> = cells[at + 1..].iter().map(|_| "lower").collect();
                    names.extend((at > 0).then_some("upper"));
                    self.walk(cell, &under(&names))?;
                }
                Ok(())
            }
            _ => self.leaf(object, path),
        }
    }

    /// Reads what a layer says that has weights of its own.
    fn leaf(&mut self, object: &Object, path: &Path) -> Result<()> {
        let Some(arguments) = object.arguments().as_object() else {
            return Ok(());
        };
        let is = |key: &str| arguments.get(key).and_then(Value::as_bool) != Some(false);
        if object.class == "BatchNormalization" && !is("scale") && !is("center") {
            self.bare.push(path.clone());
        }
        if object.class == "ActivityRegularization" {
            return Err(Error::file(object.part(), NO_ACTIVITY, "one"));
        }
        for (key, value) in arguments.iter().filter(|(_, value)| !value.is_null()) {
            let part = format!("{}: {key}", object.part());
            if key == "activity_regularizer" {
                return Err(Error::file(part, NO_ACTIVITY, shown(value)));
            }
            let of_regularizer = key.strip_suffix("_regularizer");
            let Some(stem) = of_regularizer.or(key.strip_suffix("_constraint")) else {
                continue;
            };
            let (weight, is_optional) = match stem {
                "kernel" => ("kernel", false),
                "recurrent" => ("recurrent_kernel", false),
                "bias" => ("bias", !is("use_bias")),
                "embeddings" => ("embeddings", false),
                "gamma" => ("gamma", !is("scale")),
                "beta" => ("beta", !is("center")),
                "alpha" => ("alpha", false),
                "depthwise" => ("depthwise_kernel", false),
                "pointwise" => ("pointwise_kernel", false),
                _ => {
                    let expected = "the weight of a layer of Keras";
                    return Err(Error::file(part, expected, stem));
                }
            };
            let layer = path.clone();
            if of_regularizer.is_some() {
                let said = regularizer(value, &part)?;
                self.regularizers.extend(said.map(|said| Of {
                    layer,
                    weight,
                    is_optional,
                    part,
                    said,
                }));
            } else {
                let said = constraint(value, &part)?;
                self.constraints.push(Of {
                    layer,
                    weight,
                    is_optional,
                    part,
                    said,
                });
            }
        }
        Ok(())
    }

    /// Starts the training of the model that the file describes.
    pub fn training<A: Element>(self, model: Model<A>) -> Result<TrainingBuilder<A>> {
        let weights = model.weights();
        let trainable = weights.iter().filter(|weight| weight.trainable);
        let paths: Vec<String> = trainable.map(|weight| weight.path.clone()).collect();
        for layer in &self.bare {
            if self.frozen.iter().any(|frozen| layer.starts_with(frozen)) {
                let expected = "a gamma or a beta: the moving averages of a frozen BatchNormalization without both would move";
                return Err(Error::file(
                    format!("layer {:?}", layer.join("/")),
                    expected,
                    "neither",
                ));
            }
        }
        let is_frozen = |path: &str| self.frozen.iter().any(|layer| is_in(layer, path));
        let frozen = paths.iter().filter(|path| is_frozen(path));
        let frozen: Vec<String> = frozen.map(|path| whole(path)).collect();
        let mut training = Training::of(model).freeze(frozen);
        for of in self.regularizers {
            training = training.regularizer(of.paths(&paths)?, of.said);
        }
        for of in self.constraints {
            training = training.constraint(of.paths(&paths)?, of.said);
        }
        Ok(training)
    }
}

/// The name of exactly the weight at a path.
fn whole(path: &str) -> String {
    format!("/{path}")
}

/// Whether the weight at a path belongs to a layer.
fn is_in(layer: &Path, path: &str) -> bool {
    let rest = path.strip_prefix(&layer.join("/"));
    rest.is_some_and(|rest| layer.is_empty() || rest.starts_with('/'))
}

impl<T> Of<T> {
    /// The names of the weights that it is said of.
    fn paths(&self, all: &[String]) -> Result<Vec<String>> {
        let is_meant = |path: &&String| {
            is_in(&self.layer, path) && path.rsplit('/').next() == Some(self.weight)
        };
        let found: Vec<String> = all
            .iter()
            .filter(is_meant)
            .map(|path| whole(path))
            .collect();
        if found.is_empty() && !self.is_optional {
            let expected = format!("a layer with the weight {:?}", self.weight);
            return Err(Error::file(&self.part, expected, "none"));
        }
        Ok(found)
    }
}

/// The class and the arguments of an object that is no layer.
fn object<'j>(value: &'j Value, part: &str) -> Result<(&'j str, Config<'j>)> {
    let object = Object::of_anyone(value, part)?;
    Ok((object.class, Config::new(part.into(), object.arguments())?))
}

/// A penalty; `None` is one without weight.
fn regularizer(value: &Value, part: &str) -> Result<Option<Regularizer>> {
    let (class, config) = object(value, part)?;
    let (l1, l2) = match class {
        "L1" => (config.number_or("l1", 0.01)?, 0.0),
        "L2" => (0.0, config.number_or("l2", 0.01)?),
        "L1L2" => (config.number_or("l1", 0.0)?, config.number_or("l2", 0.0)?),
        _ => return Err(Error::file(part, "L1, L2 or L1L2", class)),
    };
    config.done()?;
    if l1 == 0.0 && l2 == 0.0 {
        return Ok(None);
    }
    Regularizer::l1_l2(l1, l2).map(Some)
}

fn constraint(value: &Value, part: &str) -> Result<Constraint> {
    let (class, config) = object(value, part)?;
    let constraint = match class {
        "MaxNorm" => Constraint::max_norm(config.number_or("max_value", 2.0)?),
        "MinMaxNorm" => Constraint::min_max_norm(
            config.number_or("min_value", 0.0)?,
            config.number_or("max_value", 1.0)?,
            config.number_or("rate", 1.0)?,
        ),
        "UnitNorm" => Constraint::unit_norm(),
        "NonNeg" => Constraint::non_neg(),
        _ => {
            return Err(Error::file(
                part,
                "MaxNorm, MinMaxNorm, UnitNorm or NonNeg",
                class,
            ));
        }
    };
    let axes = config.integers("axis", &[0])?;
    config.done()?;
    Ok(constraint.axis(axes))
}

#[cfg(test)]
mod tests {
    use super::OfLayers;
    use alloc::string::{String, ToString};
    use serde_json::{Value, json};

    fn model(layer: &str, arguments: Value) -> Value {
        let mut config = arguments;
        config["name"] = json!("it");
        let layer = json!({"class_name": layer, "config": config});
        json!({"class_name": "Sequential", "config": {"name": "m", "layers": [layer]}})
    }

    #[test]
    fn what_cannot_be_trained_with_is_refused() {
        let of = |class: &str| json!({"class_name": class, "config": {"l2": 0.1}});
        for (layer, arguments, expected) in [
            (
                "Dense",
                json!({"activity_regularizer": of("L2")}),
                "activity_regularizer: found",
            ),
            (
                "ActivityRegularization",
                json!({"l2": 0.1}),
                "expected none: penalties of outputs",
            ),
            (
                "Dense",
                json!({"kernel_regularizer": of("Mine")}),
                "found Mine, expected L1, L2",
            ),
            (
                "Dense",
                json!({"other_regularizer": of("L2")}),
                "found other, expected the weight",
            ),
            (
                "Dense",
                json!({"kernel_constraint": of("Mine")}),
                "found Mine, expected MaxNorm",
            ),
        ] {
            let read = OfLayers::read(&model(layer, arguments), "config");
            let found = read
                .err()
                .map_or_else(String::new, |error| error.to_string());
            assert!(found.contains(expected), "{found:?}");
        }
    }

    #[test]
    fn a_frozen_normalisation_without_weights_is_refused() {
        let bare = json!({"trainable": false, "scale": false, "center": false});
        let read = OfLayers::read(&model("BatchNormalization", bare), "config").unwrap();
        let found = read
            .training(crate::Model::<f32>::new())
            .err()
            .unwrap()
            .to_string();
        assert!(found.contains("expected a gamma or a beta"), "{found}");
    }
}
