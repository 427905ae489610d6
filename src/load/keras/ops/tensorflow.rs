//! Operations of TensorFlow in models of Keras 2: each as the operation of Keras 3 that computes the same.

use crate::error::{Error, Result};
use crate::format::json::Value;
use crate::load::keras::config::shown;
use crate::load::keras::object::Object;
use crate::load::keras::unknown::missing;
use alloc::string::String;
use alloc::vec::Vec;
use serde_json::{Map, json};

/// What an operation is in Keras 3.
pub struct Class {
    pub name: &'static str,
    /// The arguments after the first that are values of the graph or constants, in their order.
    operands: &'static [&'static str],
    /// Options that have another name in Keras 3: that of TensorFlow first.
    renamed: &'static [(&'static str, &'static str)],
}

/// The operation of an object.
pub fn class(object: &Object) -> Result<Class> {
    let function = object.arguments().get("function").and_then(Value::as_str);
    function.and_then(class_of).ok_or_else(|| missing(object))
}

fn plain(name: &'static str) -> Class {
    Class {
        name,
        operands: &[],
        renamed: &[],
    }
}

fn of(operands: &'static [&'static str], name: &'static str) -> Class {
    Class {
        operands,
        ..plain(name)
    }
}

fn renamed(renamed: &'static [(&'static str, &'static str)], name: &'static str) -> Class {
    Class {
        renamed,
        ..plain(name)
    }
}

fn class_of(function: &str) -> Option<Class> {
    let function = function.strip_prefix("compat.v1.").unwrap_or(function);
    let function = function.strip_prefix("math.").unwrap_or(function);
    let function = function.strip_prefix("nn.").unwrap_or(function);
    Some(match function {
        "__operators__.add" | "add" => of(&["y"], "Add"),
        "bias_add" => of(&["bias"], "Add"),
        "subtract" => of(&["y"], "Subtract"),
        "multiply" => of(&["y"], "Multiply"),
        "divide" | "truediv" => of(&["y"], "Divide"),
        "floordiv" | "floor_div" => of(&["y"], "FloorDivide"),
        "floormod" | "mod" => of(&["y"], "Mod"),
        "pow" => of(&["y"], "Power"),
        "maximum" => of(&["y"], "Maximum"),
        "minimum" => of(&["y"], "Minimum"),
        "equal" => of(&["y"], "Equal"),
        "not_equal" => of(&["y"], "NotEqual"),
        "__operators__.eq" => of(&["other"], "Equal"),
        "__operators__.ne" => of(&["other"], "NotEqual"),
        "greater" => of(&["y"], "Greater"),
        "greater_equal" => of(&["y"], "GreaterEqual"),
        "less" => of(&["y"], "Less"),
        "less_equal" => of(&["y"], "LessEqual"),
        "logical_and" => of(&["y"], "LogicalAnd"),
        "logical_or" => of(&["y"], "LogicalOr"),
        "logical_xor" => of(&["y"], "LogicalXor"),
        "where" => of(&["x", "y"], "Where"),
        "__operators__.getitem" => of(&["slice_spec"], "GetItem"),
        "abs" => plain("Absolute"),
        "ceil" => plain("Ceil"),
        "exp" => plain("Exp"),
        "expm1" => plain("Expm1"),
        "floor" => plain("Floor"),
        "log" => plain("Log"),
        "log1p" => plain("Log1p"),
        "logical_not" => plain("LogicalNot"),
        "negative" => plain("Negative"),
        "reciprocal" => plain("Reciprocal"),
        "rsqrt" => plain("Rsqrt"),
        "sign" => plain("Sign"),
        "sqrt" => plain("Sqrt"),
        "square" => plain("Square"),
        "zeros_like" => plain("ZerosLike"),
        "ones_like" => plain("OnesLike"),
        "cast" => plain("Cast"),
        "identity" => plain("Copy"),
        "convert_to_tensor" => plain("ConvertToTensor"),
        "elu" => plain("Elu"),
        "relu" => plain("Relu"),
        "relu6" => plain("Relu6"),
        "selu" => plain("Selu"),
        "sigmoid" => plain("Sigmoid"),
        "silu" | "swish" => plain("Silu"),
        "softplus" => plain("Softplus"),
        "softsign" => plain("Softsign"),
        "tanh" => plain("Tanh"),
        "log_sigmoid" => plain("LogSigmoid"),
        "softmax" => plain("Softmax"),
        "leaky_relu" => renamed(&[("alpha", "negative_slope")], "LeakyRelu"),
        "gelu" => plain("Gelu"),
        "clip_by_value" => renamed(
            &[("clip_value_min", "x_min"), ("clip_value_max", "x_max")],
            "Clip",
        ),
        "reduce_all" => plain("All"),
        "reduce_any" => plain("Any"),
        "reduce_max" => plain("Max"),
        "reduce_mean" => plain("Mean"),
        "reduce_min" => plain("Min"),
        "reduce_prod" => plain("Prod"),
        "reduce_sum" => plain("Sum"),
        "reduce_logsumexp" => plain("Logsumexp"),
        "reduce_std" => plain("Std"),
        "reduce_variance" => plain("Var"),
        "erf" => plain("Erf"),
        "round" => plain("Round"),
        "log_softmax" => plain("LogSoftmax"),
        _ => return of_arrays(function),
    })
}

/// Operations that are not computed number by number.
fn of_arrays(function: &str) -> Option<Class> {
    Some(match function {
        "argmax" => plain("Argmax"),
        "argmin" => plain("Argmin"),
        "cumsum" => plain("Cumsum"),
        "cumprod" => plain("Cumprod"),
        "one_hot" => renamed(&[("depth", "num_classes")], "OneHot"),
        "linalg.matmul" | "matmul" => of(&["b"], "Matmul"),
        "pad" => renamed(&[("paddings", "pad_width")], "Pad"),
        "concat" => plain("Concatenate"),
        "stack" => plain("Stack"),
        "expand_dims" => plain("ExpandDims"),
        "squeeze" => plain("Squeeze"),
        "reverse" => plain("Flip"),
        "transpose" => renamed(&[("perm", "axes")], "Transpose"),
        "reshape" => renamed(&[("shape", "newshape")], "Reshape"),
        "tile" => renamed(&[("multiples", "repeats")], "Tile"),
        "repeat" => plain("Repeat"),
        "roll" => plain("Roll"),
        _ => return None,
    })
}

impl Class {
    /// Whether it gives whole numbers in TensorFlow, which computes some operations otherwise then.
    pub fn gives_whole(
        &self,
        config: &Value,
        args: &[Value],
        is_whole: impl Fn(&Value) -> bool,
    ) -> bool {
        match self.name {
            "Cast" => {
                let to = config.get("dtype").and_then(Value::as_str);
                to.is_some_and(|to| to.contains("int"))
            }
            "Where" => {
                let mut chosen = args.iter().skip(1);
                chosen.all(|value| value.is_i64() || is_whole(value))
            }
            "Argmax" | "Argmin" => true,
            "All" | "Any" | "OneHot" | "Divide" | "Equal" | "Greater" | "GreaterEqual" | "Less"
            | "LessEqual" | "LogicalAnd" | "LogicalNot" | "LogicalOr" | "LogicalXor"
            | "NotEqual" => false,
            _ => args.iter().any(is_whole),
        }
    }

    /// The options and the arguments of a call as Keras 3 writes them.
    pub fn in_keras3(&self, node: &Value, part: &str) -> Result<(Value, Vec<Value>)> {
        let refuse = || {
            let expected = "[layer, call, output, {arguments}], or a list of them";
            Error::file(part, expected, shown(node))
        };
        let leaf = |value: &Value| match value.as_array().map(Vec::as_slice) {
            Some([Value::String(name), _, constant, ..]) if name == "_CONSTANT_VALUE" => {
                Ok(constant.clone())
            }
            Some([name @ Value::String(_), call, output, ..]) => Ok(json!([name, call, output])),
            _ => Err(refuse()),
        };
        let leaves = match node.as_array().map(Vec::as_slice) {
            Some([Value::String(_), ..]) => None,
            Some([]) | None => return Err(refuse()),
            Some(leaves) => Some(leaves),
        };
        // A list of values, or one of them.
        let (first, said) = match leaves {
            None => (leaf(node)?, node.get(3)),
            Some([one]) if !matches!(self.name, "Concatenate" | "Stack") => {
                (leaf(one)?, one.get(3))
            }
            Some(leaves) => {
                let all = leaves.iter().map(leaf).collect::<Result<Vec<_>>>()?;
                (Value::Array(all), leaves[0].get(3))
            }
        };
        let mut said = match said {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(said)) => said.clone(),
            Some(other) => {
                let expected = "the arguments of a call by name";
                return Err(Error::file(part, expected, shown(other)));
            }
        };
        let mut args = Vec::from([first]);
        args.extend(self.operands.iter().filter_map(|&name| said.remove(name)));
        let mut config = Map::new();
        for (key, value) in said {
            // A matrix of real numbers is its own conjugate.
            if key == "name" || key == "conjugate" && value == false {
                continue;
            }
            let new = self.renamed.iter().find(|(old, _)| *old == key);
            config.insert(new.map_or(key, |(_, new)| String::from(*new)), value);
        }
        Ok((Value::Object(config), args))
    }
}
