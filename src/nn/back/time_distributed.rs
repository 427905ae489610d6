//! `TimeDistributed` and other layers around a layer, recorded and gone back over.

use crate::backward::Tape;
use crate::describe::{Role, walk};
use crate::error::{Error, Result};
use crate::model::{AnyLayer, BackwardCall, Called, RecordCall, Tensor};
use crate::nn::axis::in_rows;
use crate::nn::time_distributed::{check_input, check_rows};
use crate::{Element, TimeDistributed};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis, IxDyn};

/// What the layer inside keeps, and its input and output.
struct Kept<A> {
    tape: Tape,
    input: Option<Tensor<A>>,
    outputs: Vec<Tensor<A>>,
}

impl<A> Default for Kept<A> {
    fn default() -> Self {
        Kept {
            tape: Tape::default(),
            input: None,
            outputs: Vec::new(),
        }
    }
}

/// (samples, timesteps, …) as rows (timesteps · samples, …), the last timestep first: the order in which a recurrent layer
/// sums.
fn folded<A: Element>(x: &ArrayD<A>) -> Result<ArrayD<A>> {
    let mut x = x.view();
    x.invert_axis(Axis(1));
    x.swap_axes(0, 1);
    let mut shape = x.shape().to_vec();
    let timesteps = shape.remove(0);
    shape[0] *= timesteps;
    let x = x.as_standard_layout().into_owned();
    Ok(x.into_shape_with_order(IxDyn(&shape))?)
}

/// The way back, for this number of samples and timesteps.
fn unfolded<A: Element>(x: ArrayD<A>, samples: usize, timesteps: usize) -> Result<ArrayD<A>> {
    let mut shape = vec![timesteps, samples];
    shape.extend(x.shape().iter().skip(1));
    let mut x = in_rows(x).into_shape_with_order(IxDyn(&shape))?;
    x.swap_axes(0, 1);
    x.invert_axis(Axis(1));
    Ok(x.as_standard_layout().into_owned())
}

impl<L> TimeDistributed<L> {
    pub(in crate::nn) fn record_call<A: Element>(&self, call: RecordCall<A>) -> Result<Called<A>>
    where
        L: AnyLayer<A>,
    {
        if call.phase.training() {
            self.check_statistics(&call)?;
        }
        let [input] = call.inputs else {
            return self.call(call.inputs.to_vec(), None);
        };
        let [samples, timesteps] = check_input(input, self.layer.uses_mask())?;
        let kept: &mut Kept<A> = call.tape.renew();
        let inner = Tensor::bare(folded(&input.values)?);
        let (outputs, _) = self.layer.record(RecordCall {
            inputs: core::slice::from_ref(&inner),
            phase: call.phase,
            tape: &mut kept.tape,
            kept: None,
        })?;
        let output = crate::model::only(outputs.clone())?;
        check_rows(samples * timesteps, &output.values)?;
        kept.input = Some(inner);
        kept.outputs = outputs;
        let values = unfolded(output.values, samples, timesteps)?;
        let mask = input.mask.clone();
        Ok((vec![Tensor { values, mask }], None))
    }

    /// Keras normalises each timestep by its own statistics, and moves the averages once for each.
    fn check_statistics<A: Element>(&self, call: &RecordCall<A>) -> Result<()>
    where
        L: AnyLayer<A>,
    {
        let Some(layer) = self.layer.described() else {
            return Ok(());
        };
        let mut moves = false;
        // The arrays of a Normalization are fixed as well, but stand still.
        walk(layer, "", &mut |path, role, _| {
            let name = path.rsplit('/').next();
            let is_average = name.is_some_and(|name| name.starts_with("moving_"));
            moves |= role == Role::Fixed && is_average;
        });
        if !moves || call.phase.is_frozen(layer) {
            return Ok(());
        }
        let expected = "one without a BatchNormalization that is trained";
        let found = "one that Keras gives the statistics of each timestep";
        Err(Error::value(
            "layer inside TimeDistributed",
            expected,
            found,
        ))
    }

    pub(in crate::nn) fn back_over<A: Element>(
        &self,
        call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>>
    where
        L: AnyLayer<A>,
    {
        let Some(d) = &call.upstream[0] else {
            return Ok(vec![None]);
        };
        let shape = call.inputs[0].values.shape();
        let kept: &Kept<A> = call.tape.get()?;
        let input = kept.input.as_ref();
        let input =
            input.ok_or_else(|| Error::value("tape", "that of a recorded call", "empty"))?;
        let gradients = self.layer.backward(BackwardCall {
            inputs: core::slice::from_ref(input),
            outputs: &kept.outputs,
            tape: &kept.tape,
            upstream: &[Some(folded(d)?)],
            weights: call.weights,
            phase: call.phase,
            of_sums: false,
        })?;
        let dx = gradients.into_iter().next().flatten();
        let dx = dx.map(|dx| unfolded(dx, shape[0], shape[1]));
        Ok(vec![dx.transpose()?])
    }

    /// The tape of the layer inside.
    pub(in crate::nn) fn inner_tape<A: Element>(tape: &Tape) -> Option<&Tape> {
        let kept: &Kept<A> = tape.get().ok()?;
        Some(&kept.tape)
    }
}
