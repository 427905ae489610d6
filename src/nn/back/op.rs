//! Operations backwards, with the conventions of TensorFlow. What is given by a comparison or a rounding has no gradient.

mod cumulate;
mod number;
mod product;
mod reduce;

use super::merge::{Operand, back};
use super::shapes::in_shape_of_input;
use crate::error::Result;
use crate::model::{AnyLayer, BackwardCall};
use crate::nn::moved::sources;
use crate::nn::op::{Constant, Elementwise, Op, OpLayer, places};
use crate::{Element, Softmax};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::ArrayD;

#[cfg(test)]
mod tests;

type Gradients<A> = Result<Vec<Option<ArrayD<A>>>>;

impl OpLayer {
    pub(in crate::nn) fn back_over<A: Element>(&self, call: BackwardCall<A>) -> Gradients<A> {
        let Some(Some(d)) = call.upstream.first() else {
            return Ok(vec![None; call.inputs.len()]);
        };
        match &self.op {
            Op::Activation(of) => AnyLayer::backward(of, call),
            Op::Softmax(axis) => AnyLayer::backward(&Softmax::over(*axis), call),
            Op::Same => in_shape_of_input(&call),
            Op::Arrange(_) | Op::Concatenate(_) | Op::Slice(_) | Op::Stack(_) => {
                self.op.moved_back(&call, d)
            }
            Op::Cumulate(of, axis) => {
                let x = &call.inputs[0].values;
                Ok(vec![Some(cumulate::back_over(*of, *axis, x, d)?)])
            }
            Op::Elementwise(of) => of.back_over(&call, d),
            Op::OneHot(_) => Ok(vec![None]),
            Op::Product(of) => of.back_over(&call, d),
            Op::Reduce(of) => Ok(vec![of.back_over(&call.inputs[0].values, d)?]),
            Op::Unary(of) => {
                let (x, y) = (&call.inputs[0].values, &call.outputs[0].values);
                Ok(vec![of.back_over(x, y, d)?])
            }
        }
    }
}

impl Op {
    /// The gradients of an operation that only moves numbers. What was read several times gets the sum, the last number of the
    /// output first.
    fn moved_back<A: Element>(&self, call: &BackwardCall<A>, d: &ArrayD<A>) -> Gradients<A> {
        let inputs = call.inputs.iter().map(|input| &input.values);
        let mut gradients: Vec<ArrayD<A>> =
            inputs.clone().map(|x| ArrayD::zeros(x.raw_dim())).collect();
        let moves = |places| Ok(vec![self.compute(places)?]);
        let sources = sources(inputs.map(ArrayD::shape), moves)?.unwrap_or_default();
        let both: Vec<_> = sources.into_iter().zip(d).collect();
        for (from, &d) in both.into_iter().rev() {
            // Zeros of a padding come from nowhere.
            if let Some((input, at)) = from
                && let Some(gradient) = gradients[input].as_slice_mut()
            {
                gradient[at] += d;
            }
        }
        Ok(gradients.into_iter().map(Some).collect())
    }
}

impl Elementwise {
    fn back_over<A: Element>(&self, call: &BackwardCall<A>, d: &ArrayD<A>) -> Gradients<A> {
        if let Elementwise::Binary(of, _) = self
            && !of.has_slope()
        {
            return Ok(vec![None; call.inputs.len()]);
        }
        let mut inputs = call.inputs.iter();
        let (mut operands, mut is_input) = (Vec::new(), Vec::new());
        for constant in self.operands() {
            let constant = constant.as_ref().map(Constant::array).transpose()?;
            let values = match &constant {
                Some(constant) => constant,
                None => match inputs.next() {
                    Some(input) => &input.values,
                    None => return Ok(vec![None; call.inputs.len()]),
                },
            };
            is_input.push(constant.is_none());
            let places = places(values.shape(), d.shape());
            operands.push(Operand::new(values, places, None));
        }
        let gradients = back(
            operands,
            d,
            |numbers, d, add| match (self, numbers) {
                (Elementwise::Binary(of, _), &[(a, _), (b, _)]) => {
                    let [of_a, of_b] = of.back([a, b], d);
                    add(0, of_a);
                    add(1, of_b);
                }
                (Elementwise::Where(_), &[(condition, _), ..]) => {
                    add(if condition == A::zero() { 2 } else { 1 }, d);
                }
                _ => {}
            },
            |_| [0, 0],
        )?;
        let gradients = gradients.into_iter().zip(is_input);
        let gradients = gradients.filter(|(_, is_input)| *is_input);
        Ok(gradients.map(|(gradient, _)| gradient).collect())
    }
}
