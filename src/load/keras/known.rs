//! Which classes of layers are known, and how the others are refused.

use super::config::shown;
use super::object::Object;
use crate::error::{Error, Result};
use crate::format::json::Value;
use alloc::format;
use alloc::string::{String, ToString};

/// The classes of the layers that this crate has.
const CLASSES: [&str; 46] = [
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Attention",
    "Average",
    "AveragePooling1D",
    "BatchNormalization",
    "Bidirectional",
    "Concatenate",
    "Conv1D",
    "Cropping1D",
    "CuDNNGRU",
    "CuDNNLSTM",
    "Dense",
    "Dropout",
    "ELU",
    "Embedding",
    "Flatten",
    "GRU",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "Identity",
    "LSTM",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPooling1D",
    "Maximum",
    "Minimum",
    "Multiply",
    "Permute",
    "RNN",
    "ReLU",
    "RepeatVector",
    "Reshape",
    "SimpleRNN",
    "Softmax",
    "SpatialDropout1D",
    "Subtract",
    "ThresholdedReLU",
    "TimeDistributed",
    "UpSampling1D",
    "ZeroPadding1D",
];

/// Ends what errors expect where a layer is missing.
macro_rules! or_by_hand {
    ($expected:literal) => {
        concat!(
            $expected,
            "; to go on without it, build the model by hand with `Model::graph`, the arrays of `keras::Weights` and your own `AnyLayer`"
        )
    };
}
pub(super) use or_by_hand;

/// Refuses a layer of a class that this crate does not have. What its arguments say does not matter then, nor do those of
/// its calls.
pub fn check(object: &Object) -> Result<()> {
    let known = CLASSES.contains(&object.class) || object.is_model();
    if known { Ok(()) } else { Err(missing(object)) }
}

/// The refusal of a layer that this crate does not have.
pub fn missing(object: &Object) -> Error {
    let found = match (object.class, operation(object)) {
        (_, Some(operation)) => format!("the operation {operation} of TensorFlow"),
        ("Lambda", _) => "a Lambda, which is Python code".to_string(),
        (class, _) if class.ends_with("Cell") => format!("the cell {class} as a layer"),
        (class, _) => class.to_string(),
    };
    Error::file(
        object.part(),
        or_by_hand!("a layer that this crate has"),
        found,
    )
}

/// The function of TensorFlow that `x[:, -1]`, `x + y` and `tf.concat` become in models of Keras 2.
fn operation(object: &Object) -> Option<String> {
    let is_one = matches!(
        object.class,
        "TFOpLambda"
            | "SlicingOpLambda"
            | "TensorFlowOpLayer"
            | "ClassMethod"
            | "InstanceMethod"
            | "InstanceProperty"
    );
    if !is_one {
        return None;
    }
    let arguments = object.arguments();
    let said = [
        "function",
        "symbol",
        "cls_symbol",
        "method_name",
        "attr_name",
    ];
    let said = said.iter().find_map(|key| arguments.get(key));
    match said.or_else(|| arguments.pointer("/node_def/op")) {
        Some(Value::String(name)) => Some(name.clone()),
        Some(other) => Some(shown(other)),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::context::{Context, Layout, Overrides};
    use super::super::layer::{Usage, layer};
    use super::super::version::Version;
    use super::*;
    use serde_json::json;

    #[test]
    fn every_known_class_has_a_reader() {
        let context = Context::new(Version::third(), &Overrides::default(), Layout::Tree);
        for class in CLASSES {
            let json = json!({"class_name": class, "config": {}});
            let object = Object::read(&json, class).unwrap();
            check(&object).unwrap();
            if let Err(error) = layer::<f32>(&context, &object, Usage::default()) {
                let error = error.to_string();
                assert!(!error.contains("this crate has"), "{error}");
            }
        }
    }
}
