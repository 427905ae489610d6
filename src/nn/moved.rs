//! Layers that only move numbers to other places.

use crate::Element;
use crate::error::{Result, check_size};
use crate::model::{AnyLayer, Planned, StepShape, Tensor, each};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{ArrayD, IxDyn};

/// Where a number of the output comes from: an input, and a place in it. `None` is a 0 of the layer's own.
pub(super) type From = Option<(usize, usize)>;

/// Of more numbers than these no places are kept.
const MOST: usize = 1 << 20;

/// The stepper of a layer that copies numbers of its inputs to other places, or adds zeros, and hands no mask on. A call on the
/// numbers of the places says which goes where. `None` if that would need too much room.
pub(super) fn moved<A: Element, L: AnyLayer<A> + AnyLayer<f64>>(
    layer: &L,
    inputs: &[StepShape],
) -> Result<Option<Planned<A>>> {
    let Some(places) = places(layer, inputs)? else {
        return Ok(None);
    };
    each(layer, inputs, move |_: &L, inputs, output| {
        let numbers = output.numbers.iter_mut().zip(&places);
        for (y, from) in numbers {
            let from = from.and_then(|(input, at)| inputs.get(input)?.numbers.get(at));
            *y = from.copied().unwrap_or_else(A::zero);
        }
        output.set_mask(None);
        Ok(())
    })
}

fn places<L: AnyLayer<f64>>(layer: &L, inputs: &[StepShape]) -> Result<Option<Vec<From>>> {
    let mut numbers = 0_usize;
    for input in inputs {
        check_size("input", &input.axes)?;
        numbers = numbers.saturating_add(input.axes.iter().product());
    }
    if numbers > MOST {
        return Ok(None);
    }
    let shapes = inputs.iter().map(|input| input.axes.as_slice());
    let places = sources(shapes, |all| {
        let all = all.into_iter().map(Tensor::bare).collect();
        AnyLayer::<f64>::forward_all(layer, all)
            .map(|outputs| outputs.into_iter().map(|of| of.values).collect())
    })?;
    Ok(places.filter(|places| places.len() <= MOST))
}

/// Where each number of an output comes from, if `moves` only moves the numbers of inputs of these shapes, and adds zeros:
/// it is called on the places of the numbers. `None` if there are several outputs.
pub(super) fn sources<'s>(
    shapes: impl Iterator<Item = &'s [usize]>,
    moves: impl FnOnce(Vec<ArrayD<f64>>) -> Result<Vec<ArrayD<f64>>>,
) -> Result<Option<Vec<From>>> {
    let (mut all, mut starts) = (Vec::new(), vec![1]);
    for shape in shapes {
        let first = starts[starts.len() - 1];
        let end = shape.iter().product::<usize>() + first;
        // Whole numbers from 1 on: `f64` has all of them up to the largest array of this machine.
        #[allow(clippy::cast_precision_loss)]
        let numbers = (first..end).map(|place| place as f64).collect();
        all.push(ArrayD::from_shape_vec(IxDyn(shape), numbers)?);
        starts.push(end);
    }
    let outputs = moves(all)?;
    let [output] = outputs.as_slice() else {
        return Ok(None);
    };
    let from = |&place: &f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // it is one of them, or 0
        let place = place as usize;
        let input = starts.iter().rposition(|&start| start <= place)?;
        Some((input, place - starts[input]))
    };
    Ok(Some(output.iter().map(from).collect()))
}
