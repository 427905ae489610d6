//! `Op`: any operation; `OpLayer`: one as a layer.

use super::arrange::{stacked, stacks_after_time};
use super::{Arrange, Binary, Elementwise, Product, Reduce, Slice, Unary};
use crate::error::{Result, check_size, wrong_inputs};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, each, goes_back, in_place,
    only,
};
use crate::nn::activation::{each_row, on_last_axis};
use crate::nn::axis::{place, place_in_sample};
use crate::nn::moved::moved;
use crate::{Activation, Concatenate, Element, Softmax};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis};

/// An operation.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub(crate) enum Op {
    Activation(Activation),
    Arrange(Arrange),
    Concatenate(Concatenate),
    /// Each number along an axis becomes that of all up to it, by a function of two.
    Cumulate(Binary, isize),
    Elementwise(Elementwise),
    /// Whole numbers below this count, each as as many numbers, of which the one at its place is 1.
    OneHot(usize),
    Product(Product),
    Reduce(Reduce),
    /// The value itself, with its mask: in Keras it is the same tensor.
    Same,
    Slice(Slice),
    /// Along an axis.
    Softmax(isize),
    /// Along a new axis.
    Stack(isize),
    Unary(Unary),
}

/// An operation as a layer. No mask passes on, as in Keras, except through [`Op::Same`].
#[derive(Clone, Debug)]
pub(crate) struct OpLayer {
    pub name: String,
    pub op: Op,
}

/// The only array.
fn one<A>(arrays: Vec<ArrayD<A>>) -> Result<ArrayD<A>> {
    let found = arrays.len();
    let mut arrays = arrays.into_iter();
    match (arrays.next(), found) {
        (Some(array), 1) => Ok(array),
        _ => Err(wrong_inputs(1, found)),
    }
}

fn cumulated<A: Element>(of: Binary, axis: isize, mut y: ArrayD<A>) -> Result<ArrayD<A>> {
    let axis = Axis(place_in_sample(axis, y.ndim())?);
    y.accumulate_axis_inplace(axis, |&before, x| *x = of.of(before, *x));
    Ok(y)
}

fn one_hot<A: Element>(count: usize, x: &ArrayD<A>) -> Result<ArrayD<A>> {
    let shape = [x.shape(), &[count]].concat();
    check_size("output", &shape)?;
    let mut y = ArrayD::zeros(shape);
    let rows = y.as_slice_mut().unwrap_or_default();
    for (row, &x) in rows.chunks_exact_mut(count.max(1)).zip(x) {
        let place = x.to_usize().filter(|&place| A::from_f64(place as f64) == x);
        if let Some(y) = place.and_then(|place| row.get_mut(place)) {
            *y = A::one();
        }
    }
    Ok(y)
}

impl Op {
    pub fn compute<A: Element>(&self, arrays: Vec<ArrayD<A>>) -> Result<ArrayD<A>> {
        match self {
            Op::Activation(of) => Ok(on_last_axis(*of, one(arrays)?)),
            Op::Arrange(of) => of.of(one(arrays)?),
            Op::Concatenate(of) => {
                let tensors = arrays.into_iter().map(Tensor::bare).collect();
                Ok(only(of.forward_all(tensors)?)?.values)
            }
            Op::Cumulate(of, axis) => cumulated(*of, *axis, one(arrays)?),
            Op::Elementwise(of) => of.compute(arrays),
            Op::OneHot(count) => one_hot(*count, &one(arrays)?),
            Op::Product(of) => of.compute(arrays),
            Op::Reduce(of) => of.of(one(arrays)?),
            Op::Same => one(arrays),
            Op::Slice(of) => of.of(one(arrays)?),
            Op::Softmax(axis) => Softmax::over(*axis).forward(&one(arrays)?),
            Op::Stack(axis) => stacked(&arrays, *axis),
            Op::Unary(of) => Ok(one(arrays)?.mapv_into(|x| of.of(x))),
        }
    }

    /// Whether every timestep is computed by itself, with inputs of these numbers of axes.
    fn keeps_timesteps(&self, axes: &[usize]) -> bool {
        let first = axes.first().copied().unwrap_or(0);
        match self {
            Op::Activation(of) if !of.is_elementwise() => first != 2,
            Op::Activation(_) | Op::OneHot(_) | Op::Same | Op::Unary(_) => true,
            Op::Arrange(of) => of.keeps_timesteps(first),
            Op::Concatenate(_) | Op::Product(_) => false,
            Op::Cumulate(_, axis) => place(*axis, first).is_ok_and(|axis| axis > 1),
            Op::Elementwise(of) => of.keeps_timesteps(axes),
            Op::Reduce(of) => of.keeps_timesteps(first),
            Op::Slice(of) => of.keeps_timesteps(first),
            Op::Softmax(axis) => place(*axis, first).is_ok_and(|axis| axis > 1),
            Op::Stack(axis) => stacks_after_time(*axis, first),
        }
    }
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
        if self.op == Op::Same {
            return Ok(inputs);
        }
        let arrays = inputs.into_iter().map(|input| input.values).collect();
        Ok(vec![Tensor::bare(self.op.compute(arrays)?)])
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let first = || inputs.first().cloned().unwrap_or_else(Shape::unknown);
        match &self.op {
            Op::Activation(_) | Op::Same | Op::Softmax(_) | Op::Unary(_) => vec![first()],
            Op::Concatenate(of) => AnyLayer::<A>::output_shapes(of, inputs),
            _ => vec![Shape::unknown()],
        }
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        match &self.op {
            Op::Concatenate(of) => AnyLayer::<A>::stepwise(of, axes),
            of if of.keeps_timesteps(axes) => Stepwise::EachTimestep,
            _ => Stepwise::WholeSequence("it may change what the timesteps are"),
        }
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        match &self.op {
            Op::Elementwise(of) => match of.sources(inputs)? {
                None => Ok(None),
                Some(sources) => each(self, inputs, move |layer: &OpLayer, inputs, output| {
                    if let Op::Elementwise(of) = &layer.op {
                        of.step(&sources, inputs, output);
                    }
                    Ok(())
                }),
            },
            Op::Same => in_place(self, inputs, |_: &OpLayer, _| {}),
            Op::Activation(_) | Op::Unary(_) => {
                let last = inputs.first().map_or(1, StepShape::last);
                each(self, inputs, move |of: &OpLayer, inputs, output| {
                    output.numbers.copy_from_slice(&inputs.first()?.numbers);
                    output.set_mask(None);
                    match &of.op {
                        Op::Activation(of) => each_row(*of, last, &mut output.numbers),
                        Op::Unary(of) => {
                            output.numbers.iter_mut().for_each(|x| *x = of.of(*x));
                        }
                        _ => {}
                    }
                    Ok(())
                })
            }
            Op::Softmax(axis) => {
                let axes = inputs.first().map_or(&[][..], |input| &input.axes);
                if place(*axis, axes.len())? + 1 != axes.len() {
                    return Ok(None);
                }
                let last = axes[axes.len() - 1];
                each(self, inputs, move |_: &OpLayer, inputs, output| {
                    output.numbers.copy_from_slice(&inputs.first()?.numbers);
                    output.set_mask(None);
                    each_row(Activation::Softmax, last, &mut output.numbers);
                    Ok(())
                })
            }
            Op::Arrange(_) | Op::Concatenate(_) | Op::Slice(_) | Op::Stack(_) => {
                moved(self, inputs)
            }
            Op::Cumulate(..) | Op::OneHot(_) | Op::Product(_) | Op::Reduce(_) => Ok(None),
        }
    }

    goes_back!();
    described!();
}
