//! `Gain`: keeps the first features and scales each of them.

use crate::Element;
use crate::error::{Error, Result, check};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, each, goes_back,
};
use alloc::vec::Vec;
use ndarray::{Array1, Axis, Slice};

/// Keeps as many features of its input as it has gains, the first ones, and multiplies each by its gain. The gains are
/// arguments of a file, not weights. Masks pass through.
///
/// It is the gain before and after an amplifier model, and picks the sample that a model adds to its output out of a
/// timestep that has knobs, too.
#[derive(Clone)]
pub(crate) struct Gain<A> {
    pub gains: Array1<A>,
}

crate::describe::describe!(Gain<A>, "gain", { ; gains: array constant } => Ok(Gain { gains }));

impl<A: Element> AnyLayer<A> for Gain<A> {
    fn name(&self) -> &str {
        "gain"
    }

    fn forward(&self, mut input: Tensor<A>) -> Result<Tensor<A>> {
        let axes = input.values.ndim();
        let Some(last) = axes.checked_sub(1) else {
            return Err(Error::Rank {
                array: "input",
                expected: "at least 1 (features)",
                found: 0,
            });
        };
        let (last, kept) = (Axis(last), self.gains.len());
        let features = input.values.len_of(last);
        // More features than gains are left out.
        check("input", "features", kept.max(features), features)?;
        input.values.slice_axis_inplace(last, Slice::from(..kept));
        input.values = &input.values * &self.gains;
        Ok(input)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let shape = |input: &Shape| {
            let mut axes = input.axes()?.to_vec();
            *axes.last_mut()? = Some(self.gains.len());
            Some(axes.into())
        };
        let shapes = inputs.iter();
        shapes
            .map(|input| shape(input).unwrap_or_else(Shape::unknown))
            .collect()
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        Stepwise::of_last_axis(axes)
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let features = inputs.first().map_or(1, StepShape::last).max(1);
        each(self, inputs, move |of, inputs, output| {
            let input = inputs.first()?;
            let rows = input.numbers.chunks_exact(features);
            let outputs = output.numbers.chunks_exact_mut(of.gains.len().max(1));
            for (x, y) in rows.zip(outputs) {
                let scaled = x.iter().zip(&of.gains).map(|(&x, &gain)| x * gain);
                y.iter_mut().zip(scaled).for_each(|(y, scaled)| *y = scaled);
            }
            output.set_mask(input.mask());
            Ok(())
        })
    }

    goes_back!();
    described!();
}
