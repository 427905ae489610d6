//! The loop back over time.

use super::block::{Step, copy, gather};
use super::equations::{Back, Needs};
use super::record::{resize, take_steps};
use super::tape::CellTape;
use crate::backward::{Keep, OutputGradients, ROWS};
use crate::cell::held::Held;
use crate::cell::order::{is_real, rows_of_pass, times};
use crate::error::{Result, check};
use crate::gradients::LayerGradients;
use crate::pass::Pass;
use alloc::vec::Vec;
use core::ops::Range;
use ndarray::{Array3, Axis, s};

/// Goes back over a recorded pass. See [`Backward::backward`].
pub fn unroll_back<C: Back>(
    cell: &C,
    pass: Pass<C::Elem>,
    zero_last: bool,
    tape: &CellTape<C::Elem>,
    up: OutputGradients<C::Elem>,
    state: &mut C::State,
    weights: LayerGradients<C::Elem>,
) -> Result<Array3<C::Elem>> {
    let (samples, timesteps, features) = pass.x.dim();
    for before in &tape.before {
        let kept = timesteps.div_ceil(tape.every);
        check("tape", "timesteps", kept, before.dim().0)?;
        check("tape", "samples", samples, before.dim().1)?;
    }
    cell.check_state(state, samples)?;
    cell.settle(state);
    let mut back = Backwards {
        cell,
        pass,
        zero_last,
        up,
        weights,
        dx: Array3::zeros((samples, timesteps, features)),
        held: Held::new(samples, cell.output_size()),
        work: None,
    };
    if tape.every == 1 {
        back.go_over(0..timesteps, tape, state);
        return Ok(back.dx);
    }
    // The steps from one state that was kept to the next are recorded again.
    let mut part = CellTape {
        masks: tape.masks.clone(),
        ..CellTape::default()
    };
    for first in (0..timesteps).step_by(tape.every).rev() {
        let span = first..timesteps.min(first + tape.every);
        let mut from = state.clone();
        for (to, kept) in C::arrays_mut(&mut from).into_iter().zip(&tape.before) {
            to.assign(&kept.index_axis(Axis(0), first / tape.every));
        }
        part.first = first;
        resize(cell, &mut part, span.len(), &from, Keep::Gates);
        let mut rows = rows_of_pass(&pass);
        take_steps(
            cell,
            &pass,
            span.clone(),
            &mut part,
            &mut rows,
            &mut from,
            |_, _, _| (),
        )?;
        back.go_over(span, &part, state);
    }
    Ok(back.dx)
}

/// A backward pass on its way.
struct Backwards<'c, 'p, 'u, 'g, C: Back> {
    cell: &'c C,
    pass: Pass<'p, C::Elem>,
    zero_last: bool,
    up: OutputGradients<'u, C::Elem>,
    weights: LayerGradients<'g, C::Elem>,
    dx: Array3<C::Elem>,
    held: Held<C::Elem>,
    work: Option<C::Work>,
}

impl<C: Back> Backwards<'_, '_, '_, '_, C> {
    /// Goes back over these steps, which are on the tape.
    fn go_over(&mut self, span: Range<usize>, tape: &CellTape<C::Elem>, state: &mut C::State) {
        let (cell, pass) = (self.cell, self.pass);
        let samples = pass.x.dim().0;
        let mut work = self
            .work
            .take()
            .unwrap_or_else(|| cell.work(Needs::of(tape)));
        let stretch = (ROWS / samples.max(1)).max(1);
        let mut end = span.end;
        while end > span.start {
            let first = end.saturating_sub(stretch).max(span.start);
            let steps = (first..end).rev().flat_map(|i| {
                let t = times(&pass, i).0;
                (0..samples).map(move |row| (row, i, t))
            });
            let steps = steps.filter(|&(row, _, t)| is_real(&pass, row, t));
            let steps: Vec<(usize, usize, usize)> = steps.collect();
            // Gates say nothing of the outputs that they are multiplied with, but all else.
            let arrays = if tape.gates.is_empty() {
                tape.before.len()
            } else {
                1
            };
            let before =
                |state: usize, i, row| tape.before[state].slice(s![i - tape.first, row, ..]);
            let block = gather(&pass, tape, &steps, arrays, before);
            cell.gates(&block, &mut work);
            let mut rows = 0..0;
            for i in (first..end).rev() {
                let real = self.reach(i, state);
                rows = rows.end..rows.end + real.len();
                let step = Step {
                    index: i - tape.first,
                    rows: rows.clone(),
                    samples: &real,
                };
                cell.step_back(&block, &step, state, &mut work);
            }
            let of_inputs = cell.products(&block, &mut self.weights, &mut work);
            for (&(row, _, t), d) in steps.iter().zip(of_inputs.rows()) {
                copy(d, self.dx.slice_mut(s![row, t, ..]));
            }
            end = first;
        }
        self.work = Some(work);
    }

    /// Adds what reaches the output of step `i` to the gradient of the state, and returns the samples that took the step.
    fn reach(&mut self, i: usize, state: &mut C::State) -> Vec<usize> {
        self.held.arrive(&self.pass, self.zero_last, self.up, i);
        let t = times(&self.pass, i).0;
        let mut arrays = C::arrays_mut(state);
        let real = (0..self.pass.x.dim().0).filter(|&row| is_real(&self.pass, row, t));
        let real: Vec<usize> = real.collect();
        for &row in &real {
            self.held.release(row, arrays[0].row_mut(row));
        }
        real
    }
}
