//! `Held`: the gradients of outputs on their way back over masked steps.

use super::order::{is_real, times};
use crate::Element;
use crate::backward::OutputGradients;
use crate::pass::Pass;
use ndarray::{Array2, ArrayView1, ArrayViewMut1, Axis};

/// What has reached the outputs of masked steps, and belongs to the last real output before them: (samples, units).
pub(super) struct Held<A>(Array2<A>);

impl<A: Element> Held<A> {
    pub fn new(samples: usize, units: usize) -> Self {
        Held(Array2::zeros((samples, units)))
    }

    /// Adds what reaches the output of step `i`, unless that is a zero of a masked step.
    pub fn arrive(&mut self, pass: &Pass<A>, zero_last: bool, up: OutputGradients<A>, i: usize) {
        let (samples, timesteps, _) = pass.x.dim();
        let (t, at) = times(pass, i);
        let sequences = up.sequences.map(|d| d.index_axis_move(Axis(1), at));
        let last = up.last.filter(|_| i + 1 == timesteps);
        for row in 0..samples {
            let is_real = is_real(pass, row, t);
            for (d, zeroes) in [(sequences, pass.zero_output_for_mask), (last, zero_last)] {
                if let Some(d) = d
                    && (is_real || !zeroes)
                {
                    add(self.0.row_mut(row), d.row(row));
                }
            }
        }
    }

    /// Adds what is held for this sample to `to`, and holds nothing more.
    pub fn release(&mut self, row: usize, to: ArrayViewMut1<A>) {
        let mut held = self.0.row_mut(row);
        add(to, held.view());
        held.fill(A::zero());
    }
}

fn add<A: Element>(mut to: ArrayViewMut1<A>, d: ArrayView1<A>) {
    match (to.as_slice_mut(), d.to_slice()) {
        (Some(to), Some(d)) => to.iter_mut().zip(d).for_each(|(to, &d)| *to += d),
        _ => to += &d,
    }
}
