//! `OpLayer`: an operation of `keras.ops` as a layer, such as a comparison of token ids for a mask, `x[:, -1]` or `x +
//! y`.

use crate::error::{Error, Result, check_size, wrong_inputs};
use crate::model::{AnyLayer, Shape, Stepwise, Tensor, described, goes_back, only};
use crate::{Concatenate, Element};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis, IxDyn};

/// An elementwise operation on two operands.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub(crate) enum Binary {
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

/// A reduction along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub(crate) enum Along {
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
pub(crate) enum Cut {
    One(isize),
    Span([Option<isize>; 3]),
    Rest,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub(crate) enum Op {
    /// An operation on two operands; `Some` is a constant in place of the first or the second.
    Binary(Binary, [Option<f64>; 2]),
    Along(Along, isize, bool),
    ExpandDims(isize),
    Fill(f64),
    GetItem(Vec<Cut>),
    Concatenate(Concatenate),
    Same,
}

/// An operation as a layer. No mask passes on, as in Keras.
#[derive(Clone, Debug)]
pub(crate) struct OpLayer {
    pub name: String,
    pub op: Op,
}

impl Binary {
    pub(super) fn of<A: Element>(self, a: A, b: A) -> A {
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

    /// Axes are aligned at the last one; those of length 1 are broadcast.
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

/// The index of an axis of an array with this number of axes.
pub(super) fn place(axis: isize, axes: usize) -> Result<usize> {
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

/// The indices that a Python slice selects.
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

pub(super) fn get_item<T: Clone>(x: &ArrayD<T>, cuts: &[Cut]) -> Result<ArrayD<T>> {
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

crate::describe::describe!(OpLayer, "keras_op", { name, op } => Ok(OpLayer { name, op }));

impl<A: Element> AnyLayer<A> for OpLayer {
    fn name(&self) -> &str {
        &self.name
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        only(self.forward_all(vec![input])?)
    }

    fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        let found = inputs.len();
        if let Op::Concatenate(concatenate) = &self.op {
            let bare = |input: Tensor<A>| Tensor::bare(input.values);
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
        Ok(vec![Tensor::bare(y)])
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

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        let last_of_features = axes.iter().all(|&axes| axes > 2);
        match &self.op {
            Op::Binary(..) | Op::Fill(_) | Op::Same | Op::ExpandDims(-1) => Stepwise::EachTimestep,
            Op::Along(_, -1, _) if last_of_features => Stepwise::EachTimestep,
            Op::Concatenate(concatenate) => AnyLayer::<A>::stepwise(concatenate, axes),
            _ => Stepwise::WholeSequence("it may change what the timesteps are"),
        }
    }

    goes_back!();
    described!();
}
