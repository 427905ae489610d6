//! An operation of `keras.ops` backwards. Comparisons and constants have no gradient.

#![cfg(any(feature = "keras", feature = "saved"))]

use super::merge::{Operand, back};
use super::rows::of_one;
use super::shapes::in_shape_of_input;
use crate::Element;
use crate::error::{Result, check};
use crate::model::BackwardCall;
use crate::nn::merge::places;
use crate::nn::op::{Along, Binary, Cut, Op, OpLayer, get_item, place};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis, IxDyn};

type Gradients<A> = Result<Vec<Option<ArrayD<A>>>>;

impl OpLayer {
    pub(in crate::nn) fn back_over<A: Element>(&self, call: BackwardCall<A>) -> Gradients<A> {
        match &self.op {
            Op::Concatenate(concatenate) => concatenate.back_over(call),
            Op::Binary(of, constants) => of.back_over(*constants, &call),
            Op::Along(of, axis, keepdims) => of.back_over(*axis, *keepdims, &call),
            Op::ExpandDims(_) => in_shape_of_input(&call),
            Op::Same => Ok(call.upstream.to_vec()),
            Op::Fill(_) => Ok(vec![None; call.inputs.len()]),
            Op::GetItem(cuts) => of_one(&call, |d| cut_back(&call.inputs[0].values, cuts, d)),
        }
    }
}

/// Every number goes back to the place that it was read from.
fn cut_back<A: Element>(x: &ArrayD<A>, cuts: &[Cut], d: &ArrayD<A>) -> Result<ArrayD<A>> {
    let mut places = ArrayD::zeros(x.shape());
    for (at, place) in places.iter_mut().enumerate() {
        *place = at;
    }
    let mut dx = vec![A::zero(); x.len()];
    for (&place, &d) in get_item(&places, cuts)?.iter().zip(d) {
        dx[place] += d;
    }
    Ok(ArrayD::from_shape_vec(x.shape(), dx)?)
}

impl Binary {
    fn back_over<A: Element>(
        self,
        constants: [Option<f64>; 2],
        call: &BackwardCall<A>,
    ) -> Gradients<A> {
        let none = || Ok(vec![None; call.inputs.len()]);
        let Some(Some(d)) = call.upstream.first() else {
            return none();
        };
        if let Binary::NotEqual | Binary::LogicalOr | Binary::LogicalAnd = self {
            return none();
        }
        let mut inputs = call.inputs.iter();
        let mut operands = Vec::new();
        for constant in constants {
            let number;
            let values = match constant {
                Some(x) => {
                    number = ArrayD::from_elem(IxDyn(&[]), A::from_f64(x));
                    Some(&number)
                }
                None => inputs.next().map(|input| &input.values),
            };
            let Some(values) = values else { continue };
            // Axes are aligned at the last one.
            let mut axes = vec![1; d.ndim() - values.ndim()];
            axes.extend(values.shape());
            operands.push(Operand::new(values, places(&axes, d.shape()), None));
        }
        check("operation", "operands", 2, operands.len())?;
        let share = |numbers: &[(A, Option<bool>)], d: A, add: &mut dyn FnMut(usize, A)| {
            let [(a, _), (b, _)] = *numbers else { return };
            match self {
                Binary::Add => (add(0, d), add(1, d)),
                Binary::Subtract => (add(0, d), add(1, -d)),
                Binary::Multiply => (add(0, d * b), add(1, d * a)),
                Binary::Divide => (add(0, d / b), add(1, -(d * a / b / b))),
                Binary::Maximum if b > a || b.is_nan() => (add(1, d), ()),
                Binary::Minimum if b < a || b.is_nan() => (add(1, d), ()),
                _ => (add(0, d), ()),
            };
        };
        let gradients = back(operands, d, share, |_| [0, 0])?;
        let of_inputs = gradients.into_iter().zip(constants);
        let of_inputs = of_inputs.filter(|(_, constant)| constant.is_none());
        Ok(of_inputs.map(|(d, _)| d).collect())
    }
}

impl Along {
    /// A maximum shares its gradient among all that have it, as in TensorFlow.
    fn back_over<A: Element>(
        self,
        axis: isize,
        keepdims: bool,
        call: &BackwardCall<A>,
    ) -> Gradients<A> {
        if let Along::All | Along::Any = self {
            return Ok(vec![None]);
        }
        of_one(call, |d| {
            let x = &call.inputs[0].values;
            let axis = Axis(place(axis, x.ndim())?);
            let d = if keepdims {
                d.index_axis(axis, 0)
            } else {
                d.view()
            };
            let mut dx = ArrayD::zeros(x.shape());
            let lanes = dx.lanes_mut(axis).into_iter().zip(x.lanes(axis));
            for ((mut dx, x), &d) in lanes.zip(d).filter(|(_, d)| **d != A::zero()) {
                let most = x
                    .iter()
                    .fold(A::neg_infinity(), |y, &x| Binary::Maximum.of(y, x));
                let with = |x: &A| self != Along::Max || *x == most;
                let count = match self {
                    Along::Sum => 1,
                    _ => x.iter().filter(|x| with(x)).count(),
                };
                let share = d / A::from_f64(count as f64);
                for (dx, _) in dx.iter_mut().zip(&x).filter(|(_, x)| with(x)) {
                    *dx = share;
                }
            }
            Ok(dx)
        })
    }
}
