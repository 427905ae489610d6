//! Operations of `keras.ops` in functional models of Keras 3: what compares token ids for a mask, what `x[:, -1]` and
//! `x + y` become.

use super::config::{Config, items, shown};
use super::known::or_by_hand;
use super::layer::Made;
use super::nodes::{NodeCall, references};
use super::object::Object;
use super::plan::Plan;
use crate::error::{Error, Result, check_size};
use crate::load::format::json::{self, Value};
use crate::model::{AnyLayer, Flow, OverTime, Shape, only, saved_as_alone, wrong_inputs};
use crate::{Concatenate, Element};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis, IxDyn};
use serde_json::json;

/// What is done with two operands, number by number.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
enum Binary {
    NotEqual,
    LogicalOr,
    LogicalAnd,
    Add,
    Subtract,
    Multiply,
    Divide,
    Maximum,
    Minimum,
}

/// What is done with all numbers along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
enum Along {
    All,
    Any,
    Sum,
    Mean,
    Max,
}

/// A part of an axis, as in `x[3]`, `x[1:4]`, `x[...]`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
enum Cut {
    One(isize),
    Span([Option<isize>; 3]),
    Rest,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
enum Op {
    /// With the operand that is a constant, if one is: the first or the second.
    Binary(Binary, [Option<f64>; 2]),
    Along(Along, isize, bool),
    ExpandDims(isize),
    Fill(f64),
    GetItem(Vec<Cut>),
    Concatenate(Concatenate),
    Same,
}

/// An operation as a layer. No mask goes on, as in Keras.
#[derive(Clone, Debug)]
pub struct OpLayer {
    name: String,
    op: Op,
}

/// The operations that have a name of a layer, too, and the others.
const CLASSES: [&str; 21] = [
    "All",
    "NotEqual",
    "LogicalOr",
    "LogicalAnd",
    "Add",
    "Subtract",
    "Multiply",
    "Divide",
    "TrueDivide",
    "Maximum",
    "Minimum",
    "Any",
    "Sum",
    "Mean",
    "Max",
    "ExpandDims",
    "ZerosLike",
    "OnesLike",
    "GetItem",
    "Concatenate",
    "ConvertToTensor",
];

/// Whether it is an operation and no layer. A `.h5` does not say it, but layers have more arguments.
pub fn is_op(object: &Object) -> bool {
    match object.json.get("module").and_then(Value::as_str) {
        Some(module) => module.starts_with("keras.src.ops") || module.starts_with("keras.ops"),
        None => CLASSES.contains(&object.class) && object.arguments().get("trainable").is_none(),
    }
}

/// The plan of an operation, and its call.
pub fn op<A: Element>(object: &Object, nodes: &Value) -> Result<(Plan<Made<A>>, Vec<NodeCall>)> {
    let (config, part) = (object.config()?, object.part());
    if !CLASSES.contains(&object.class) {
        let expected = or_by_hand!("an operation that this crate has");
        let found = format!("the operation {}", object.class);
        return Err(Error::file(part, expected, found));
    }
    let nodes = nodes.as_array().map_or(&[][..], Vec::as_slice);
    let [node] = nodes else {
        return Err(Error::file(part, "one call", nodes.len()));
    };
    let is_given = |value: &&Value| !matches!(value, Value::Null) && **value != json!({});
    if let Some(given) = node.get("kwargs").filter(is_given) {
        return Err(config.refuse("kwargs", "none", shown(given)));
    }
    let Some(args) = node.get("args").and_then(items) else {
        return Err(Error::file(part, "a list of \"args\"", shown(node)));
    };
    let (op, inputs) = read(object.class, &config, args)?;
    config.done()?;
    let mut refs = Vec::new();
    for value in inputs {
        refs.extend(references(value, &part)?);
    }
    let made = Made {
        layer: Arc::new(OpLayer {
            name: super::layer::snake_case(object.class),
            op,
        }) as Arc<dyn AnyLayer<A>>,
        features: None,
    };
    let call = NodeCall {
        inputs: refs,
        ..NodeCall::default()
    };
    Ok((Plan::of(made), vec![call]))
}

/// The operation, and those of its arguments that are values of the graph.
fn read<'j>(class: &str, config: &Config, args: &'j [Value]) -> Result<(Op, Vec<&'j Value>)> {
    // Masks are numbers here: 0 and 1.
    config.optional("dtype");
    let one = |op| match args {
        [x] => Ok((op, vec![x])),
        _ => Err(config.refuse("args", "one argument", args.len())),
    };
    let binary = |of| match args {
        [a, b] => {
            let constants = [json::number(a), json::number(b)];
            let both = [(a, constants[0]), (b, constants[1])];
            let inputs = both.iter().filter(|(_, constant)| constant.is_none());
            Ok((
                Op::Binary(of, constants),
                inputs.map(|(value, _)| *value).collect(),
            ))
        }
        _ => Err(config.refuse("args", "two arguments", args.len())),
    };
    // What no call could do is refused now, where the layer has a name.
    let not_samples = |axis| match axis {
        0 => Err(config.refuse("axis", "an axis other than that of the samples", axis)),
        axis => Ok(axis),
    };
    let along = |of| {
        let axis = config.integers("axis", &[])?;
        match axis.as_slice() {
            &[axis] => not_samples(axis)
                .and_then(|axis| one(Op::Along(of, axis, config.flag("keepdims")?))),
            axes => Err(config.refuse("axis", "one axis", axes.len())),
        }
    };
    match class {
        "NotEqual" => binary(Binary::NotEqual),
        "LogicalOr" => binary(Binary::LogicalOr),
        "LogicalAnd" => binary(Binary::LogicalAnd),
        "Add" => binary(Binary::Add),
        "Subtract" => binary(Binary::Subtract),
        "Multiply" => binary(Binary::Multiply),
        "Divide" | "TrueDivide" => binary(Binary::Divide),
        "Maximum" => binary(Binary::Maximum),
        "Minimum" => binary(Binary::Minimum),
        "All" => along(Along::All),
        "Any" => along(Along::Any),
        "Sum" => along(Along::Sum),
        "Mean" => along(Along::Mean),
        "Max" => along(Along::Max),
        "ExpandDims" => one(Op::ExpandDims(not_samples(config.integer_or("axis", -1)?)?)),
        "ZerosLike" => one(Op::Fill(0.0)),
        "OnesLike" => one(Op::Fill(1.0)),
        "ConvertToTensor" => {
            for key in ["sparse", "ragged"] {
                config.flag(key)?;
            }
            one(Op::Same)
        }
        "Concatenate" => one(Op::Concatenate(Concatenate::new(
            config.integer_or("axis", -1)?,
        ))),
        "GetItem" => match args {
            [x, key] => {
                let refuse = |expected| config.refuse("args", expected, shown(key));
                let cuts = cuts(key).ok_or_else(|| refuse("indices and slices of numbers"))?;
                if let [Cut::One(_), ..] = cuts.as_slice() {
                    return Err(refuse("all samples, not one of them"));
                }
                let backwards = |cut: &Cut| matches!(cut, Cut::Span([.., Some(..1)]));
                if cuts.iter().any(backwards) {
                    return Err(refuse("slices with steps of at least 1"));
                }
                Ok((Op::GetItem(cuts), vec![x]))
            }
            _ => Err(config.refuse("args", "two arguments", args.len())),
        },
        class => {
            let expected = "an operation that this crate has";
            Err(Error::file(config.part(), expected, class))
        }
    }
}

fn cuts(key: &Value) -> Option<Vec<Cut>> {
    match items(key) {
        Some(list) => list.iter().map(cut).collect(),
        None => Some(vec![cut(key)?]),
    }
}

fn cut(value: &Value) -> Option<Cut> {
    let number = |value: &Value| value.as_i64().and_then(|n| isize::try_from(n).ok());
    match value.get("class_name").and_then(Value::as_str) {
        Some("__ellipsis__") => Some(Cut::Rest),
        Some("__slice__") => {
            let mut span = [None; 3];
            for (to, key) in span.iter_mut().zip(["start", "stop", "step"]) {
                let value = value.get("config")?.get(key)?;
                *to = if value.is_null() {
                    None
                } else {
                    Some(number(value)?)
                };
            }
            Some(Cut::Span(span))
        }
        Some(_) => None,
        None => number(value).map(Cut::One),
    }
}

impl Binary {
    fn of<A: Element>(self, a: A, b: A) -> A {
        let truth = |yes| if yes { A::one() } else { A::zero() };
        match self {
            Binary::NotEqual => truth(a != b),
            Binary::LogicalOr => truth(a != A::zero() || b != A::zero()),
            Binary::LogicalAnd => truth(a != A::zero() && b != A::zero()),
            Binary::Add => a + b,
            Binary::Subtract => a - b,
            Binary::Multiply => a * b,
            Binary::Divide => a / b,
            // A NaN stays.
            Binary::Maximum => {
                if b > a || b.is_nan() {
                    b
                } else {
                    a
                }
            }
            Binary::Minimum => {
                if b < a || b.is_nan() {
                    b
                } else {
                    a
                }
            }
        }
    }

    /// Axes are counted from the last; those of length 1 are repeated.
    fn broadcast<A: Element>(self, a: &ArrayD<A>, b: &ArrayD<A>) -> Result<ArrayD<A>> {
        let axes = a.ndim().max(b.ndim());
        let len = |x: &ArrayD<A>, axis: usize| {
            (axis + x.ndim())
                .checked_sub(axes)
                .map_or(1, |axis| x.shape()[axis])
        };
        let larger = |axis| match [len(a, axis), len(b, axis)] {
            [1, other] => other,
            [one, _] => one,
        };
        let shape: Vec<usize> = (0..axes).map(larger).collect();
        check_size("output", &shape)?;
        let fit = |x: &'_ ArrayD<A>| x.broadcast(IxDyn(&shape)).map(|view| view.to_owned());
        let (Some(mut y), Some(b)) = (fit(a), fit(b)) else {
            let found = format!("{:?} and {:?}", a.shape(), b.shape());
            return Err(Error::value("shapes", "two that fit together", found));
        };
        y.zip_mut_with(&b, |a, &b| *a = self.of(*a, b));
        Ok(y)
    }
}

/// The place of an axis, among so many.
fn place(axis: isize, axes: usize) -> Result<usize> {
    let place = match usize::try_from(axis) {
        Ok(place) => Some(place),
        Err(_) => axes.checked_sub(axis.unsigned_abs()),
    };
    let refuse = || {
        Error::value(
            "axis",
            format!("one of {axes}, not that of the samples"),
            axis,
        )
    };
    place
        .filter(|place| (1..axes).contains(place))
        .ok_or_else(refuse)
}

fn along<A: Element>(of: Along, x: &ArrayD<A>, axis: isize, keepdims: bool) -> Result<ArrayD<A>> {
    let axis = Axis(place(axis, x.ndim())?);
    let count = x.len_of(axis);
    let y = match of {
        Along::All => x.fold_axis(axis, A::one(), |&y, &x| Binary::LogicalAnd.of(y, x)),
        Along::Any => x.fold_axis(axis, A::zero(), |&y, &x| Binary::LogicalOr.of(y, x)),
        Along::Sum => x.sum_axis(axis),
        Along::Mean => x.sum_axis(axis) / A::from_f64(count as f64),
        Along::Max => x.fold_axis(axis, A::neg_infinity(), |&y, &x| Binary::Maximum.of(y, x)),
    };
    Ok(if keepdims { y.insert_axis(axis) } else { y })
}

/// The places that a slice of Python takes.
fn span([start, stop, step]: [Option<isize>; 3], len: usize) -> Result<Vec<usize>> {
    let step = step.unwrap_or(1);
    if step < 1 {
        return Err(Error::value("step", "at least 1", step));
    }
    let len = isize::try_from(len).unwrap_or(isize::MAX);
    let at = |end: Option<isize>, default: isize| {
        let end = end.unwrap_or(default);
        let end = if end < 0 {
            end.saturating_add(len)
        } else {
            end
        };
        end.clamp(0, len).unsigned_abs()
    };
    Ok((at(start, 0)..at(stop, len))
        .step_by(step.unsigned_abs())
        .collect())
}

fn get_item<A: Element>(x: &ArrayD<A>, cuts: &[Cut]) -> Result<ArrayD<A>> {
    let named = cuts.iter().filter(|cut| **cut != Cut::Rest).count();
    let Some(rest) = x.ndim().checked_sub(named) else {
        return Err(Error::value(
            "number of indices",
            format!("at most {}", x.ndim()),
            named,
        ));
    };
    let (mut y, mut axis) = (x.clone(), 0);
    for cut in cuts {
        match *cut {
            Cut::Rest => axis += rest,
            Cut::Span(ends) => {
                let places = span(ends, y.len_of(Axis(axis)))?;
                y = y.select(Axis(axis), &places);
                axis += 1;
            }
            Cut::One(_) if axis == 0 => {
                let expected = "all samples";
                return Err(Error::value(
                    "index of the samples",
                    expected,
                    "one of them",
                ));
            }
            Cut::One(index) => {
                let len = y.len_of(Axis(axis));
                let at = match usize::try_from(index) {
                    Ok(at) => Some(at),
                    Err(_) => len.checked_sub(index.unsigned_abs()),
                };
                let refuse = || Error::value("index", format!("one of {len}"), index);
                let at = at.filter(|&at| at < len).ok_or_else(refuse)?;
                y = y.index_axis_move(Axis(axis), at);
            }
        }
    }
    Ok(y)
}

#[cfg(feature = "safetensors")]
crate::saved::saved_fields!(OpLayer, "keras_op", { name, op } => Ok(OpLayer { name, op }));

impl<A: Element> AnyLayer<A> for OpLayer {
    fn name(&self) -> &str {
        &self.name
    }

    fn forward(&self, input: Flow<A>) -> Result<Flow<A>> {
        only(self.forward_all(vec![input])?)
    }

    fn forward_all(&self, inputs: Vec<Flow<A>>) -> Result<Vec<Flow<A>>> {
        let found = inputs.len();
        if let Op::Concatenate(concatenate) = &self.op {
            let bare = |input: Flow<A>| Flow::bare(input.values);
            return concatenate.forward_all(inputs.into_iter().map(bare).collect());
        }
        let mut inputs = inputs.into_iter().map(|input| input.values);
        let mut next = || inputs.next().ok_or_else(|| wrong_inputs("one more", found));
        let y = match &self.op {
            Op::Binary(of, constants) => {
                let mut operand = |constant: Option<f64>| match constant {
                    Some(x) => Ok(ArrayD::from_elem(IxDyn(&[]), A::from_f64(x))),
                    None => next(),
                };
                of.broadcast(&operand(constants[0])?, &operand(constants[1])?)?
            }
            Op::Along(of, axis, keepdims) => along(*of, &next()?, *axis, *keepdims)?,
            Op::ExpandDims(axis) => {
                let x = next()?;
                let axis = place(*axis, x.ndim() + 1)?;
                x.insert_axis(Axis(axis))
            }
            Op::Fill(with) => next()?.mapv(|_| A::from_f64(*with)),
            Op::GetItem(cuts) => get_item(&next()?, cuts)?,
            Op::Same | Op::Concatenate(_) => next()?,
        };
        Ok(vec![Flow::bare(y)])
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let first = || inputs.first().cloned().unwrap_or_else(Shape::unknown);
        match &self.op {
            Op::Fill(_) | Op::Same => vec![first()],
            Op::Binary(..) if inputs.len() == 1 => vec![first()],
            Op::Concatenate(concatenate) => AnyLayer::<A>::output_shapes(concatenate, inputs),
            _ => vec![Shape::unknown()],
        }
    }

    fn over_time(&self, axes: &[usize]) -> OverTime {
        let last_of_features = axes.iter().all(|&axes| axes > 2);
        match &self.op {
            Op::Binary(..) | Op::Fill(_) | Op::Same | Op::ExpandDims(-1) => OverTime::Each,
            Op::Along(_, -1, _) if last_of_features => OverTime::Each,
            Op::Concatenate(concatenate) => AnyLayer::<A>::over_time(concatenate, axes),
            _ => OverTime::Whole("it may change what the timesteps are"),
        }
    }

    saved_as_alone!();
}
