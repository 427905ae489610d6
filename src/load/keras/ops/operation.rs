//! The operations that this crate has, and what reads each.

use super::constant::constant;
use crate::error::Result;
use crate::format::json::Value;
use crate::load::keras::activation;
use crate::load::keras::config::{Config, integer, items, shown, whole};
use crate::load::keras::context::Context;
use crate::load::keras::names::snake_case;
use crate::nn::{
    Along, Arrange, Binary, Constant, Cut, Elementwise, Op, Product, Reduce, Slice, Unary,
};
use crate::{Activation, Concatenate};
use alloc::format;
use alloc::vec::Vec;

/// An operation that is to be read.
pub struct Operation<'j> {
    pub context: &'j Context,
    pub class: &'j str,
    pub config: Config<'j>,
    /// Its arguments: values of the graph, and constants in place of some.
    pub args: &'j [Value],
}

/// The operation, and those of its arguments that are values of the graph.
type Found<'j> = Result<(Op, Vec<&'j Value>)>;

/// What reads operations of a class.
type Read = for<'o, 'j> fn(&'o Operation<'j>) -> Found<'j>;

/// What reads an operation of this class; `None` if this crate has no such operation.
pub fn reader(class: &str) -> Option<Read> {
    let read: Read = match class {
        "Abs" | "Absolute" => |of| of.unary(Unary::Abs),
        "Add" => |of| of.binary(Binary::Add),
        "All" => |of| of.reduce(Along::All),
        "Any" => |of| of.reduce(Along::Any),
        "Argmax" => |of| of.index(Along::ArgMax),
        "Argmin" => |of| of.index(Along::ArgMin),
        "Cast" => |of| of.cast(),
        "Ceil" => |of| of.unary(Unary::Ceil),
        "Clip" => |of| {
            let end = |key| of.config.get(key).and(of.config.number_or(key, 0.0));
            of.unary(Unary::Clip(end("x_min")?, end("x_max")?))
        },
        "ConvertToTensor" => |of| {
            for key in ["sparse", "ragged"] {
                of.config.flag(key)?;
            }
            of.cast()
        },
        "Copy" => |of| of.unary(Unary::Identity),
        "Divide" | "TrueDivide" => |of| of.binary(Binary::Divide),
        "Equal" => |of| of.binary(Binary::Equal),
        "Erf" => |of| of.unary(Unary::Erf),
        "Exp" => |of| of.unary(Unary::Exp),
        "Expm1" => |of| of.unary(Unary::Expm1),
        "Floor" => |of| of.unary(Unary::Floor),
        "FloorDivide" => |of| of.binary(Binary::FloorDivide),
        "Greater" => |of| of.binary(Binary::Greater),
        "GreaterEqual" => |of| of.binary(Binary::GreaterEqual),
        "Less" => |of| of.binary(Binary::Less),
        "LessEqual" => |of| of.binary(Binary::LessEqual),
        "Log" => |of| of.unary(Unary::Log),
        "Log1p" => |of| of.unary(Unary::Log1p),
        "LogSoftmax" => |of| match of.config.integer_or("axis", -1)? {
            -1 => of.one(Op::Activation(Activation::LogSoftmax)),
            axis => Err(of.config.refuse("axis", -1, axis)),
        },
        "Logsumexp" => |of| of.reduce(Along::LogSumExp),
        "LogicalAnd" => |of| of.binary(Binary::LogicalAnd),
        "LogicalNot" => |of| of.unary(Unary::LogicalNot),
        "LogicalOr" => |of| of.binary(Binary::LogicalOr),
        "LogicalXor" => |of| of.binary(Binary::LogicalXor),
        "Max" => |of| of.reduce(Along::Max),
        "Maximum" => |of| of.binary(Binary::Maximum),
        "Mean" => |of| of.reduce(Along::Mean),
        "Min" => |of| of.reduce(Along::Min),
        "Minimum" => |of| of.binary(Binary::Minimum),
        "Mod" => |of| of.binary(Binary::Mod),
        "Multiply" => |of| of.binary(Binary::Multiply),
        "Negative" => |of| of.unary(Unary::Negative),
        "NotEqual" => |of| of.binary(Binary::NotEqual),
        "OnesLike" => |of| of.unary(Unary::Fill(1.0)),
        "Power" => |of| of.binary(Binary::Power),
        "Prod" => |of| of.reduce(Along::Prod),
        "Reciprocal" => |of| of.unary(Unary::Reciprocal),
        "Round" => |of| {
            of.config.only("decimals", "0")?;
            of.unary(Unary::Round)
        },
        "Rsqrt" => |of| of.unary(Unary::Rsqrt),
        "Sign" => |of| of.unary(Unary::Sign),
        "Softmax" => |of| of.one(Op::Softmax(of.in_sample("axis", Some(-1))?)),
        "Sqrt" => |of| of.unary(Unary::Sqrt),
        "Square" => |of| of.unary(Unary::Square),
        "Std" => |of| of.reduce(Along::Std),
        "Subtract" => |of| of.binary(Binary::Subtract),
        "Sum" => |of| of.reduce(Along::Sum),
        "Trunc" => |of| of.unary(Unary::Whole),
        "Var" => |of| of.reduce(Along::Var),
        "Where" => |of| of.choose(),
        "ZerosLike" => |of| of.unary(Unary::Fill(0.0)),
        "Celu" | "Elu" | "Gelu" | "HardShrink" | "LeakyRelu" | "ReLU" | "SoftShrink"
        | "Squareplus" => |of| of.activation(),
        "HardSigmoid" | "HardSilu" | "HardTanh" | "LogSigmoid" | "Relu" | "Relu6" | "Selu"
        | "Sigmoid" | "Silu" | "Softplus" | "Softsign" | "SparsePlus" | "SparseSigmoid"
        | "Tanh" | "TanhShrink" => |of| match snake_case(of.class).parse() {
            Ok(activation) => of.one(Op::Activation(activation)),
            Err(error) => Err(error.within(of.config.part())),
        },
        _ => return of_arrays(class),
    };
    Some(read)
}

/// The same of an operation that is not computed number by number or along axes.
fn of_arrays(class: &str) -> Option<Read> {
    let read: Read = match class {
        "Concatenate" => |of| {
            let axis = of.in_sample("axis", Some(-1))?;
            of.one(Op::Concatenate(Concatenate::new(axis)))
        },
        "Cumprod" => |of| of.cumulate(Binary::Multiply),
        "Cumsum" => |of| of.cumulate(Binary::Add),
        "ExpandDims" => |of| of.arrange("axis", Arrange::ExpandDims),
        "Flip" => |of| of.arrange("axis", Arrange::Flip),
        "GetItem" => |of| of.get_item(),
        "Matmul" => |of| of.product(),
        "Moveaxis" => |of| of.move_axis(),
        "OneHot" => |of| {
            of.config.only("axis", "-1")?;
            of.config.flag("sparse")?;
            of.one(Op::OneHot(of.config.count("num_classes")?))
        },
        "Pad" => |of| of.pad(),
        "Repeat" => |of| {
            let repeats = of.config.count("repeats")?;
            let axis = of.in_sample("axis", None)?;
            of.one(Op::Arrange(Arrange::Repeat(repeats, axis)))
        },
        "Reshape" => |of| {
            let shape = of.integers("newshape")?;
            of.one(Op::Arrange(Arrange::Reshape(shape)))
        },
        "Roll" => |of| {
            let shift = of.integer("shift")?;
            let axis = of.in_sample("axis", None)?;
            of.one(Op::Arrange(Arrange::Roll(shift, axis)))
        },
        "Squeeze" => |of| of.arrange("axis", Arrange::Squeeze),
        "Stack" => |of| of.one(Op::Stack(of.in_sample("axis", Some(0))?)),
        "Swapaxes" => |of| {
            let axes = [of.in_sample("axis1", None)?, of.in_sample("axis2", None)?];
            of.one(Op::Arrange(Arrange::Swap(axes[0], axes[1])))
        },
        "Tile" => |of| of.tile(),
        "Transpose" => |of| {
            let axes = of.integers("axes")?;
            of.one(Op::Arrange(Arrange::Transpose(axes)))
        },
        _ => return None,
    };
    Some(read)
}

impl<'j> Operation<'j> {
    /// An operation on one argument, which may be a list.
    fn one(&self, op: Op) -> Found<'j> {
        // Types matter to `Cast` alone, which has read its own.
        self.config.optional("dtype");
        match self.args {
            [x] => Ok((op, Vec::from([x]))),
            args => Err(self.config.refuse("args", "one argument", args.len())),
        }
    }

    fn unary(&self, of: Unary) -> Found<'j> {
        self.one(Op::Unary(of))
    }

    /// An operation on this many operands, each of which may be a constant.
    fn elementwise<const N: usize>(
        &self,
        make: impl FnOnce([Option<Constant>; N]) -> Elementwise,
    ) -> Found<'j> {
        let wrong = || {
            let expected = format!("{N} arguments");
            self.config.refuse("args", expected, self.args.len())
        };
        let args: &'j [Value; N] = self.args.try_into().map_err(|_| wrong())?;
        let constants = args.each_ref().map(constant);
        let inputs = args.iter().zip(&constants);
        let inputs = inputs.filter(|(_, constant)| constant.is_none());
        let inputs: Vec<&Value> = inputs.map(|(value, _)| value).collect();
        if inputs.is_empty() {
            let found = "constants alone";
            return Err(self.config.refuse("args", "a value of the graph", found));
        }
        Ok((Op::Elementwise(make(constants)), inputs))
    }

    fn binary(&self, of: Binary) -> Found<'j> {
        self.elementwise(|operands| Elementwise::Binary(of, operands))
    }

    fn choose(&self) -> Found<'j> {
        self.elementwise(Elementwise::Where)
    }

    fn integer(&self, key: &'static str) -> Result<isize> {
        self.config.get(key)?;
        self.config.integer_or(key, 0)
    }

    fn integers(&self, key: &'static str) -> Result<Vec<isize>> {
        self.config.get(key)?;
        self.config.integers(key, &[])
    }

    /// Axes of a sample. What no call could do is refused now, where the layer has a name.
    fn axes(&self, key: &'static str) -> Result<Vec<isize>> {
        let expected = "axes other than that of the samples";
        if self.config.optional(key).is_none() {
            return Err(self.config.refuse(key, expected, "none, which means all"));
        }
        let axes = self.integers(key)?;
        if axes.contains(&0) {
            return Err(self.config.refuse(key, expected, 0));
        }
        Ok(axes)
    }

    fn in_sample(&self, key: &'static str, default: Option<isize>) -> Result<isize> {
        if let (None, Some(default)) = (self.config.optional(key), default)
            && default != 0
        {
            return Ok(default);
        }
        match self.axes(key)?.as_slice() {
            [axis] => Ok(*axis),
            axes => Err(self.config.refuse(key, "one axis", axes.len())),
        }
    }

    fn arrange(&self, key: &'static str, make: fn(Vec<isize>) -> Arrange) -> Found<'j> {
        self.one(Op::Arrange(make(self.axes(key)?)))
    }

    fn reduce(&self, of: Along) -> Found<'j> {
        let axes = self.axes("axis")?;
        let keepdims = self.config.flag("keepdims")?;
        self.one(Op::Reduce(Reduce { of, axes, keepdims }))
    }

    /// Where a number stands along one axis.
    fn index(&self, of: Along) -> Found<'j> {
        self.config.optional("output_type");
        let axes = Vec::from([self.in_sample("axis", None)?]);
        let keepdims = self.config.flag("keepdims")?;
        self.one(Op::Reduce(Reduce { of, axes, keepdims }))
    }

    fn cumulate(&self, of: Binary) -> Found<'j> {
        for key in ["exclusive", "reverse"] {
            self.config.only(key, "false")?;
        }
        let axis = self.in_sample("axis", None)?;
        self.one(Op::Cumulate(of, axis))
    }

    fn product(&self) -> Found<'j> {
        self.config.optional("output_type");
        let transposed = [
            self.config.flag("transpose_a")?,
            self.config.flag("transpose_b")?,
        ];
        let args: &'j [Value; 2] = match self.args.try_into() {
            Ok(args) => args,
            Err(_) => return Err(self.config.refuse("args", "two arguments", self.args.len())),
        };
        let operands = args.each_ref().map(constant);
        let inputs = args.iter().zip(&operands);
        let inputs = inputs.filter(|(_, constant)| constant.is_none());
        let inputs: Vec<&Value> = inputs.map(|(value, _)| value).collect();
        if inputs.is_empty() {
            let found = "constants alone";
            return Err(self.config.refuse("args", "a value of the graph", found));
        }
        let product = Product {
            operands,
            transposed,
        };
        Ok((Op::Product(product), inputs))
    }

    fn move_axis(&self) -> Found<'j> {
        let one = |key: &'static str| match self.axes(key)?.as_slice() {
            [axis] => Ok(*axis),
            axes => Err(self.config.refuse(key, "one axis", axes.len())),
        };
        let (from, to) = (one("source")?, one("destination")?);
        self.one(Op::Arrange(Arrange::Move(from, to)))
    }

    /// Zeros around the numbers.
    fn pad(&self) -> Found<'j> {
        let mode = self.config.text_or("mode", "constant")?;
        if !mode.eq_ignore_ascii_case("constant") {
            return Err(self.config.refuse("mode", "constant", mode));
        }
        self.config.only("constant_values", "0")?;
        let given = self.config.get("pad_width")?;
        let ends = |value: &Value| match items(value)? {
            [before, after] => Some([whole(before)?, whole(after)?]),
            _ => None,
        };
        let all = items(given).and_then(|all| all.iter().map(ends).collect::<Option<Vec<_>>>());
        let expected = "two counts for each axis, 0 for the samples";
        let all = all.filter(|all| all.first() == Some(&[0, 0]));
        let all = all.ok_or_else(|| self.config.refuse("pad_width", expected, shown(given)))?;
        self.one(Op::Arrange(Arrange::Pad(all)))
    }

    fn tile(&self) -> Found<'j> {
        let refuse = |expected| {
            let found = self.config.optional("repeats").map(shown);
            let found = found.unwrap_or_else(|| "none".into());
            self.config.refuse("repeats", expected, found)
        };
        let counts = self.integers("repeats")?;
        let counts: Option<Vec<usize>> = counts
            .iter()
            .map(|&times| usize::try_from(times).ok())
            .collect();
        let counts = counts.ok_or_else(|| refuse("counts"))?;
        self.one(Op::Arrange(Arrange::Tile(counts)))
    }

    /// A conversion to another type. Numbers are of the model's type here, so only what they lose is computed. Where the
    /// type stays, the value stays the same tensor in Keras, and keeps its mask.
    fn cast(&self) -> Found<'j> {
        let Some(to) = self.config.optional("dtype") else {
            return self.one(Op::Same);
        };
        let from = self.args.first();
        let from = from.and_then(|from| from.pointer("/config/dtype")?.as_str());
        let refuse = || self.config.refuse("dtype", "a type of numbers", shown(to));
        let to = to.as_str().ok_or_else(refuse)?;
        match to {
            _ if from == Some(to) => self.one(Op::Same),
            // Keras 2 does not write what it converts; what has a mask comes from layers, which give this type.
            "float32" if from.is_none() => self.one(Op::Same),
            "float32" | "float64" => self.unary(Unary::Identity),
            "float16" | "bfloat16" => {
                let note = format!("{to} is computed in the type of the model");
                self.context.note(note);
                self.unary(Unary::Identity)
            }
            "bool" => self.unary(Unary::Truth),
            "int32" | "int64" => self.unary(Unary::Whole),
            _ => Err(refuse()),
        }
    }

    /// A function with parameters that has a name of its own.
    fn activation(&self) -> Found<'j> {
        let number = |key, default| self.config.finite_or(key, default);
        let activation = match self.class {
            "Celu" => Activation::Celu {
                alpha: number("alpha", 1.0)?,
            },
            "Elu" => Activation::Elu {
                alpha: number("alpha", 1.0)?,
            },
            "Gelu" => Activation::Gelu {
                approximate: self.config.bool_or("approximate", false)?,
            },
            "HardShrink" => Activation::HardShrink {
                threshold: number("threshold", 0.5)?,
            },
            "LeakyRelu" => Activation::LeakyRelu {
                alpha: number("negative_slope", 0.2)?,
            },
            "SoftShrink" => Activation::SoftShrink {
                threshold: number("threshold", 0.5)?,
            },
            "Squareplus" => Activation::Squareplus {
                b: number("b", 4.0)?,
            },
            _ => activation::relu(&self.config)?,
        };
        self.one(Op::Activation(activation))
    }

    /// `x[key]`
    fn get_item(&self) -> Found<'j> {
        let [x, key] = self.args else {
            return Err(self.config.refuse("args", "two arguments", self.args.len()));
        };
        let refuse = |expected| self.config.refuse("args", expected, shown(key));
        let cuts = match items(key) {
            Some(list) => list.iter().map(cut).collect(),
            None => cut(key).map(|cut| Vec::from([cut])),
        };
        let cuts: Vec<Cut> = cuts.ok_or_else(|| refuse("indices and slices of numbers"))?;
        match cuts.as_slice() {
            [Cut::One(_) | Cut::New, ..] => Err(refuse(
                "all samples, not one of them or a new axis before them",
            )),
            cuts if cuts
                .iter()
                .any(|cut| matches!(cut, Cut::Span([.., Some(0)]))) =>
            {
                Err(refuse("steps other than 0"))
            }
            cuts if cuts.iter().filter(|cut| **cut == Cut::Rest).count() > 1 => {
                Err(refuse("one ellipsis at most"))
            }
            _ => Ok((Op::Slice(Slice(cuts)), Vec::from([x]))),
        }
    }
}

fn cut(value: &Value) -> Option<Cut> {
    match value {
        Value::Null => return Some(Cut::New),
        Value::Number(_) => return integer(value).map(Cut::One),
        _ => {}
    }
    let span = match value.get("class_name").and_then(Value::as_str) {
        Some("__ellipsis__") => return Some(Cut::Rest),
        Some("__slice__") => value.get("config")?,
        Some(_) => return None,
        None => value,
    };
    let mut ends = [None; 3];
    for (to, key) in ends.iter_mut().zip(["start", "stop", "step"]) {
        let end = span.get(key)?;
        if !end.is_null() {
            *to = Some(integer(end)?);
        }
    }
    Some(Cut::Span(ends))
}
