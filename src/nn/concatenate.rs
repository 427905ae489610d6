//! `Concatenate`: joins several inputs along an axis.

use super::axis::{check_axis, place_in_sample};
use crate::Element;
use crate::error::{Error, Result, check_size, wrong_inputs};
use crate::model::{
    AnyLayer, Inputs, Planned, Shape, StepShape, Stepwise, Tensor, Value, described, each_or_err,
    goes_back,
};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayViewD, Axis, concatenate};

/// Joins several inputs along the last axis or another one. All other axes must have equal lengths.
///
/// As in Keras, the output has a mask if any input has one; an input without a mask counts as real at every timestep.
/// Along the timesteps (axis 1) the masks are joined, too. Along the features, a timestep is real if it is real in any
/// input. Source: `keras.layers.Concatenate`.
///
/// ```
/// use ndarray::array;
/// use recurrent::{AnyLayer, Concatenate, Tensor};
/// let (x, y) = (array![[1.0]], array![[2.0, 3.0]]);
/// let both = Concatenate::new(-1).forward_all(vec![Tensor::new(&x), Tensor::new(&y)])?;
/// assert_eq!(both[0].values, array![[1.0, 2.0, 3.0]].into_dyn());
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Concatenate {
    pub(super) axis: isize,
}

impl Concatenate {
    /// Joins along this axis, counted from 0 (the samples) or, if negative, from the end: -1 is Keras' default.
    pub fn new(axis: isize) -> Self {
        Concatenate { axis }
    }
}

impl Default for Concatenate {
    fn default() -> Self {
        Self::new(-1)
    }
}

/// The mask of the output.
fn mask<A>(inputs: &[Tensor<A>], axis: usize) -> Result<Option<Array2<bool>>> {
    if inputs.iter().all(|input| input.mask.is_none()) {
        return Ok(None);
    }
    let mut masks = Vec::with_capacity(inputs.len());
    for input in inputs {
        input.check_mask()?;
        let [samples, timesteps, features] = three(input.values.shape())?;
        let given = input.mask.clone().filter(|_| features > 0);
        masks.push(given.unwrap_or_else(|| Array2::from_elem((samples, timesteps), features > 0)));
    }
    if axis == 1 {
        let views: Vec<_> = masks.iter().map(|mask| mask.view()).collect();
        return Ok(Some(concatenate(Axis(1), &views)?));
    }
    Ok(masks.into_iter().reduce(|a, b| a | b))
}

/// The axes of a masked input.
fn three(shape: &[usize]) -> Result<[usize; 3]> {
    shape.try_into().map_err(|_| Error::Rank {
        array: "input",
        expected: "3 (samples, timesteps, features), since it is masked",
        found: shape.len(),
    })
}

/// Puts numbers side by side, of which a step of `axis` is this many, and real timesteps one over the other.
fn side_by_side<A: Element>(
    inputs: Inputs<A>,
    axis: usize,
    inner: usize,
    output: &mut Value<A>,
) -> Result<()> {
    let mut to = output.numbers.as_mut_slice();
    let outer: usize = if to.is_empty() {
        0 // soon, however many rows of nothing there are
    } else {
        output.shape.axes[..axis].iter().product()
    };
    for at in 0..outer {
        for input in inputs.iter() {
            let count = input.shape.axes[axis] * inner;
            let (numbers, rest) = to.split_at_mut(count);
            numbers.copy_from_slice(&input.numbers[at * count..(at + 1) * count]);
            to = rest;
        }
    }
    if inputs.masks().all(|mask| mask.is_none()) {
        output.set_mask(None);
        return Ok(());
    }
    let any = output.mask_mut();
    any.fill(false);
    for (input, mask) in inputs.iter().zip(inputs.masks()) {
        let [.., features] = three(&input.shape.axes)?;
        match mask {
            _ if features == 0 => {}
            Some(mask) => any
                .iter_mut()
                .zip(mask)
                .for_each(|(any, &real)| *any |= real),
            None => any.fill(true),
        }
    }
    Ok(())
}

crate::describe::describe!(Concatenate, "concatenate", { axis } => Ok(Concatenate { axis }));

impl<A: Element> AnyLayer<A> for Concatenate {
    fn name(&self) -> &str {
        "concatenate"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let flows = self.forward_all(vec![input])?;
        crate::model::only(flows)
    }

    fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        let Some(first) = inputs.first() else {
            return Err(wrong_inputs("at least 1", 0));
        };
        let mut shape = first.values.shape().to_vec();
        let axis = place_in_sample(self.axis, shape.len())?;
        shape[axis] = 0;
        for input in &inputs {
            let found = input.values.shape();
            if found.len() != shape.len() {
                let expected = "as many as the first input";
                return Err(Error::Rank {
                    array: "input",
                    expected,
                    found: found.len(),
                });
            }
            for (i, (to, &len)) in shape.iter_mut().zip(found).enumerate() {
                if i == axis {
                    *to = to.saturating_add(len);
                } else {
                    check_axis("input", i, *to, len)?;
                }
            }
        }
        check_size("output", &shape)?;
        let mask = mask(&inputs, axis)?;
        let views: Vec<ArrayViewD<A>> = inputs.iter().map(|input| input.values.view()).collect();
        let values = concatenate(Axis(axis), &views)?;
        Ok(vec![Tensor { values, mask }])
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let axes: Option<Vec<&[Option<usize>]>> = inputs.iter().map(Shape::axes).collect();
        let shape = axes.and_then(|inputs| {
            let mut shape = inputs.first()?.to_vec();
            let axis = place_in_sample(self.axis, shape.len()).ok()?;
            let mut lens = inputs.iter().map(|axes| axes.get(axis).copied().flatten());
            shape[axis] = lens.try_fold(0_usize, |sum, len| sum.checked_add(len?));
            for axes in inputs {
                for (to, &len) in shape.iter_mut().zip(axes) {
                    *to = to.or(len);
                }
            }
            Some(Shape::from(shape))
        });
        vec![shape.unwrap_or_else(Shape::unknown)]
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        match axes.first().map(|&axes| place_in_sample(self.axis, axes)) {
            Some(Ok(1)) => {
                Stepwise::WholeSequence("it puts the timesteps of its inputs one after the other")
            }
            _ => Stepwise::EachTimestep,
        }
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let Some(first) = inputs.first() else {
            return Err(wrong_inputs("at least 1", 0));
        };
        let axes = first.axes.as_slice();
        let axis = place_in_sample(self.axis, axes.len())?;
        if axis == 1 && axes.len() == 3 {
            return Ok(None); // the masks are joined, too
        }
        let inner = axes[axis + 1..].iter().product();
        let refuses = axes.len() != 3;
        let planned = each_or_err(self, inputs, move |_, inputs, output| {
            side_by_side(inputs, axis, inner, output)
        })?;
        Ok(planned.map(|planned| Planned {
            may_fail: refuses,
            ..planned
        }))
    }

    goes_back!();
    described!();
}
