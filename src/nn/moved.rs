//! Steps of layers that only move numbers to other places.

use crate::Element;
use crate::error::{Result, check_size};
use crate::model::{AnyLayer, Planned, StepShape, Tensor, each};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{ArrayD, IxDyn};

/// Where a number of the output comes from: an input, and a place in it. `None` is a 0 of the layer's own.
type From = Option<(usize, usize)>;

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
    let (mut all, mut starts) = (Vec::new(), vec![1]);
    for input in inputs {
        check_size("input", &input.axes)?;
        let first = starts[starts.len() - 1];
        let end = input.axes.iter().product::<usize>() + first;
        if end > MOST {
            return Ok(None);
        }
        // Whole numbers from 1 on, which `f64` has.
        #[allow(clippy::cast_precision_loss)]
        let numbers = (first..end).map(|place| place as f64).collect();
        let x = ArrayD::from_shape_vec(IxDyn(&input.axes), numbers)?;
        all.push(Tensor::bare(x));
        starts.push(end);
    }
    let outputs = AnyLayer::<f64>::forward_all(layer, all)?;
    let [output] = outputs.as_slice() else {
        return Ok(None);
    };
    if output.values.len() > MOST {
        return Ok(None);
    }
    let from = |&place: &f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // it is one of them, or 0
        let place = place as usize;
        let input = starts.iter().rposition(|&start| start <= place)?;
        Some((input, place - starts[input]))
    };
    Ok(Some(output.values.iter().map(from).collect()))
}
