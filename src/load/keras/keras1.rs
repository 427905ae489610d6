//! The words of Keras 1, said as Keras 2 says them.

use crate::format::json::Value;
use alloc::string::String;

/// Arguments by class: the word of Keras 1, and that of Keras 2.
fn renamed(class: &str) -> &'static [(&'static str, &'static str)] {
    match class {
        "SimpleRNN" | "LSTM" | "GRU" => &[
            ("output_dim", "units"),
            ("inner_activation", "recurrent_activation"),
        ],
        "Dense" => &[("output_dim", "units"), ("bias", "use_bias")],
        "Conv1D" => &[
            ("nb_filter", "filters"),
            ("filter_length", "kernel_size"),
            ("subsample_length", "strides"),
            ("border_mode", "padding"),
            ("atrous_rate", "dilation_rate"),
            ("bias", "use_bias"),
        ],
        "MaxPooling1D" | "AveragePooling1D" => &[
            ("pool_length", "pool_size"),
            ("stride", "strides"),
            ("border_mode", "padding"),
        ],
        "UpSampling1D" => &[("length", "size")],
        "Concatenate" => &[("concat_axis", "axis")],
        _ => &[],
    }
}

/// The arguments of `Merge` that its mode makes idle.
const MERGE: [&str; 8] = [
    "mode",
    "mode_type",
    "dot_axes",
    "output_shape",
    "output_shape_type",
    "output_mask",
    "output_mask_type",
    "arguments",
];

/// The class of Keras 2 that a class of Keras 1 became.
fn class(of: &str, config: &Value) -> Option<&'static str> {
    let text = |key| config.get(key).and_then(Value::as_str);
    match of {
        "TimeDistributedDense" => Some("Dense"),
        "Convolution1D" | "AtrousConvolution1D" => Some("Conv1D"),
        "Merge" if text("mode_type") == Some("raw") => match text("mode")? {
            "concat" => Some("Concatenate"),
            "sum" => Some("Add"),
            "mul" => Some("Multiply"),
            "ave" => Some("Average"),
            "max" => Some("Maximum"),
            _ => None,
        },
        _ => None,
    }
}

/// Changes a configuration of Keras 1 into one of Keras 2, layer by layer.
pub fn modernise(object: &mut Value) {
    let Some(of) = object.get("class_name").and_then(Value::as_str) else {
        return;
    };
    let new = object.get("config").and_then(|config| class(of, config));
    let is_merge = of == "Merge" && new.is_some();
    let of = String::from(new.unwrap_or(of));
    let Some(config) = object.get_mut("config") else {
        return;
    };
    match config {
        // A `Sequential` is a bare list.
        Value::Array(layers) => layers.iter_mut().for_each(modernise),
        Value::Object(arguments) => {
            for (old, new) in renamed(&of) {
                if let Some(value) = arguments.remove(*old) {
                    arguments.insert((*new).into(), value);
                }
            }
            if is_merge {
                arguments.remove("concat_axis");
                MERGE.iter().for_each(|key| drop(arguments.remove(*key)));
            }
            if let Some(layer) = arguments.get_mut("layer") {
                modernise(layer);
            }
            if let Some(Value::Array(layers)) = arguments.get_mut("layers") {
                layers.iter_mut().for_each(modernise);
            }
        }
        _ => {}
    }
    if new.is_some() {
        object["class_name"] = Value::String(of);
    }
}
