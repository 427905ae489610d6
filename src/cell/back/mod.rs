//! The backward pass of the cells: the loop back over time, which knows masks and directions and no equations.
//!
//! The forward pass keeps the state before every step, and the gates of the cells that can say how. The backward pass takes a
//! block of steps at a time, from the last to the first. It computes the gates of the whole block again if they were not
//! kept, goes back over its steps, and adds the products of the block to the gradients of the weights. So a block can have
//! any length: every sum runs backwards in time, and over ascending samples within a timestep.
//!
//! ```text
//! for t in reverse order:
//!     u = gradient of the output at t, + what is held
//!     a real sample:    held = 0, dh += u, then dz, dx[t], dh and dc of the step before
//!     a masked sample:  held = u, or 0 with zero_output_for_mask; dx[t] = 0; dh and dc stay
//! ```
//! A masked input is never read. So NaN in padding does not reach any gradient.

mod gru;
mod lstm;
mod simple_rnn;

use super::step_back::{self, BackByStep};
use crate::Element;
use crate::backward::{
    Backward, CellMasks, Keep, MaskSizes, OutputGradients, Outputs, ROWS, Recorder, Tape, spread,
};
use crate::error::{Error, Result, check};
use crate::gradients::LayerGradients;
use crate::kernel::BackRows;
use crate::mask::Rows;
use crate::pass::Pass;
use crate::threads::busy;
use crate::unroll::Advance;
use alloc::vec::Vec;
use core::ops::Range;
use ndarray::{Array2, Array3, ArrayD, ArrayView1, ArrayView2, ArrayViewMut1, Axis, s};

/// The equations of a cell backwards.
pub trait Back: Advance {
    /// The weights in the order in which the backward pass reads them, and memory for the rows of a block.
    type Work;

    /// The number of gates, each of which can have masks of dropout of its own.
    const GATES: usize;

    /// The rates of dropout: of the inputs, and of the states.
    fn rates(&self) -> [f64; 2];

    /// Packs the weights.
    fn work(&self, needs: Needs) -> Self::Work;

    /// Whether this layer has no option that the equations backwards do not know.
    fn can_go_back(&self) -> bool {
        true
    }

    /// Adds the gradient of the state of every sample to that of the initial state of the layer, if it has one.
    fn of_initial_state(&self, d: &Self::State, weights: LayerGradients<Self::Elem>) {
        let _ = (d, weights);
    }

    /// The arrays of a state, the output first.
    fn arrays(state: &Self::State) -> Vec<&Array2<Self::Elem>>;

    /// The arrays of a state, to be changed.
    fn arrays_mut(state: &mut Self::State) -> Vec<&mut Array2<Self::Elem>>;

    /// The number of gates that a step of a sample keeps for the backward pass. 0 if it computes them again.
    fn kept(&self) -> usize {
        0
    }

    /// Lets this number of threads share the steps of several samples, each of them other units.
    fn share_steps(scratch: &mut Self::Scratch, threads: usize);

    /// Takes a timestep as [`Advance::advance`] does, and writes what it keeps of the active rows to `gates`, (samples,
    /// [`kept`](Self::kept)).
    fn advance_keeping(
        &self,
        x: ArrayView2<Self::Elem>,
        rows: &Rows,
        state: &mut Self::State,
        scratch: &mut Self::Scratch,
        gates: &mut [Self::Elem],
    ) {
        let _ = (x, rows, state, scratch, gates);
    }

    /// Computes the gates of every row of a block, if they were not kept.
    fn gates(&self, block: &Block<Self::Elem>, work: &mut Self::Work);

    /// Replaces the states before a step, whose rows of the block these are, by those after it. The gates are computed.
    fn step_on(
        &self,
        block: &Block<Self::Elem>,
        step: &Step,
        state: &mut Self::State,
        work: &Self::Work,
    );

    /// Goes back over one step, whose rows of the block these are. `state` has the gradients of the states after the step,
    /// and gets those of the states before it.
    fn step_back(
        &self,
        block: &Block<Self::Elem>,
        step: &Step,
        state: &mut Self::State,
        work: &mut Self::Work,
    );

    /// Adds the products of a block to the gradients of the weights, and computes those of its inputs.
    fn products(
        &self,
        block: &Block<Self::Elem>,
        weights: &mut LayerGradients<Self::Elem>,
        work: &mut Self::Work,
    ) -> Array2<Self::Elem>;
}

/// The real steps of some timesteps, one in each row: the last timestep first, then ascending samples.
pub struct Block<'t, A> {
    tape: &'t CellTape<A>,
    /// (rows, features)
    x: Array2<A>,
    /// The states before each step, (rows, units) each.
    before: Vec<Array2<A>>,
    /// What is dropped of the inputs and of the states.
    masks: CellMasks<A>,
}

impl<A> Block<'_, A> {
    /// Whether the gates were kept, so that nothing is computed again.
    fn is_kept(&self) -> bool {
        !self.tape.gates.is_empty()
    }

    /// What a step kept of all samples: their gates, and their states of this index before it.
    fn kept_by(&self, step: &Step, state: usize) -> (&[A], &[A]) {
        let of_step = |all| of_step(all, step.index);
        (of_step(&self.tape.gates), of_step(&self.tape.before[state]))
    }
}

/// What an array (timesteps, samples, …) without gaps has of step `i`.
fn of_step<A>(all: &Array3<A>, i: usize) -> &[A] {
    let len = all.dim().1 * all.dim().2;
    all.as_slice().map_or(&[], |all| &all[i * len..][..len])
}

/// [`of_step`], to be written.
fn of_step_mut<A>(all: &mut Array3<A>, i: usize) -> &mut [A] {
    let len = all.dim().1 * all.dim().2;
    all.as_slice_mut()
        .map_or(&mut [], |all| &mut all[i * len..][..len])
}

/// What the weights are packed for.
#[derive(Clone, Copy)]
pub struct Needs {
    /// Whether each gate has a mask of its own for the inputs, and for the states.
    input_apart: bool,
    recurrent_apart: bool,
    /// Whether gates are computed.
    forward: bool,
}

impl Needs {
    fn of<A>(tape: &CellTape<A>) -> Self {
        Needs {
            input_apart: tape.masks.input.len() > 1,
            recurrent_apart: tape.masks.recurrent.len() > 1,
            forward: tape.gates.is_empty(),
        }
    }
}

/// The rows of a block that are one timestep, and the sample of each.
pub struct Step<'a> {
    /// The place of the step in processing order.
    index: usize,
    rows: Range<usize>,
    samples: &'a [usize],
}

impl Step<'_> {
    /// Each row of the block with its sample.
    fn each(&self) -> impl Iterator<Item = (usize, usize)> {
        self.rows.clone().zip(self.samples.iter().copied())
    }

    /// The rows as kernels take them.
    fn back_rows(&self, units: usize, kept: bool) -> BackRows<'_> {
        BackRows {
            samples: self.samples,
            kept,
            units,
        }
    }
}

/// What a cell keeps: states before steps in processing order, (timesteps, samples, units) for each array, the gates of these
/// steps, and what was dropped.
pub struct CellTape<A> {
    /// The first step, and the number of steps from one that is kept to the next.
    first: usize,
    every: usize,
    before: Vec<Array3<A>>,
    /// (timesteps, samples, [`kept`](Back::kept)), or nothing.
    gates: Array3<A>,
    masks: CellMasks<A>,
}

impl<A> Default for CellTape<A> {
    fn default() -> Self {
        CellTape {
            first: 0,
            every: 1,
            before: Vec::new(),
            gates: Array3::from_shape_simple_fn((0, 0, 0), || unreachable!("no numbers")),
            masks: CellMasks {
                input: Vec::new(),
                recurrent: Vec::new(),
            },
        }
    }
}

impl<A: Element> CellTape<A> {
    /// Makes room for this number of steps of a cell.
    fn resize<C: Back<Elem = A>>(&mut self, cell: &C, steps: usize, state: &C::State, keep: Keep) {
        let steps = steps.div_ceil(self.every);
        let arrays = C::arrays(state).into_iter().map(Array2::dim);
        let dims: Vec<_> = arrays
            .map(|(samples, size)| (steps, samples, size))
            .collect();
        if self.before.iter().map(Array3::dim).ne(dims.iter().copied()) {
            self.before = dims.iter().copied().map(Array3::zeros).collect();
        }
        let keeps_gates = keep == Keep::Gates && self.masks.is_empty() && cell.kept() > 0;
        let gates = match dims[0] {
            (steps, samples, _) if keeps_gates => (steps, samples, cell.kept()),
            _ => (0, 0, 0),
        };
        if self.gates.dim() != gates {
            self.gates = Array3::zeros(gates);
        }
    }

    /// The place of the state before step `i`, if it is kept.
    fn place(&self, i: usize) -> Option<usize> {
        let steps = i - self.first;
        steps.is_multiple_of(self.every).then(|| steps / self.every)
    }
}

/// The timestep that is read in step `i` of a pass, and the place of its output in the sequences.
fn times<A>(pass: &Pass<A>, i: usize) -> (usize, usize) {
    let timesteps = pass.x.dim().1;
    let t = if pass.backwards { timesteps - 1 - i } else { i };
    (t, if pass.reversed { timesteps - 1 - t } else { t })
}

/// Runs a pass as `unroll` does, and keeps the state before every step.
pub fn record<C: Back>(
    cell: &C,
    pass: Pass<C::Elem>,
    how: &mut Recorder,
    state: &mut C::State,
    tape: &mut CellTape<C::Elem>,
) -> Result<Outputs<C::Elem>> {
    if !cell.can_go_back() {
        let expected = "none, with dropout in a training";
        return Err(Error::value("layer_norm", expected, "one"));
    }
    let (samples, timesteps, features) = pass.x.dim();
    let units = cell.output_size();
    let sizes = MaskSizes {
        samples,
        features,
        units,
        gates: C::GATES,
    };
    tape.masks = how.masks(cell.rates(), sizes)?;
    tape.every = how.keep.every();
    cell.settle(state);
    tape.resize(cell, timesteps, state, how.keep);
    let mut outputs = Outputs {
        sequences: Array3::zeros((samples, timesteps, units)),
        last: Array2::zeros((samples, units)),
    };
    let mut rows = rows_of_pass(&pass);
    take_steps(
        cell,
        &pass,
        0..timesteps,
        tape,
        &mut rows,
        state,
        |i, rows, state| {
            let to = outputs.sequences.index_axis_mut(Axis(1), times(&pass, i).1);
            rows.append(cell.output(state), pass.zero_output_for_mask, to);
        },
    )?;
    if timesteps > 0 {
        rows.append(cell.output(state), how.zero_last, outputs.last.view_mut());
    }
    Ok(outputs)
}

fn rows_of_pass<A>(pass: &Pass<A>) -> Rows {
    let samples = pass.x.dim().0;
    match pass.mask {
        Some(_) => Rows::new(samples, pass.started),
        None => Rows::unmasked(samples),
    }
}

/// Takes some steps of a pass, keeps what the tape has room for, and calls `each` after every step.
fn take_steps<C: Back>(
    cell: &C,
    pass: &Pass<C::Elem>,
    span: Range<usize>,
    tape: &mut CellTape<C::Elem>,
    rows: &mut Rows,
    state: &mut C::State,
    mut each: impl FnMut(usize, &mut Rows, &C::State),
) -> Result<()> {
    let mut steps = Steps::new(cell, pass.x.dim().0, tape);
    for i in span.clone() {
        if let Some(place) = tape.place(i) {
            for (before, now) in tape.before.iter_mut().zip(C::arrays(state)) {
                match now.as_slice() {
                    Some(now) => of_step_mut(before, place).copy_from_slice(now),
                    None => before.index_axis_mut(Axis(0), place).assign(now),
                }
            }
        }
        rows.choose_by(pass.mask.as_ref(), times(pass, i).0);
        steps.take(cell, pass, tape, i, span.clone(), rows, state)?;
        each(i, rows, state);
    }
    Ok(())
}

/// Whether a sample is real at a timestep.
fn is_real<A>(pass: &Pass<A>, row: usize, t: usize) -> bool {
    pass.mask.is_none_or(|mask| mask.is_real(row, t))
}

/// What takes the steps of a recorded pass.
enum Steps<C: Back> {
    /// The kernels of inference, which prepare this number of steps together.
    Kernels(C::Scratch, usize),
    /// With dropout, the equations of the backward pass.
    Gates(C::Work),
}

impl<C: Back> Steps<C> {
    fn new(cell: &C, samples: usize, tape: &CellTape<C::Elem>) -> Self {
        if tape.masks.is_empty() {
            let mut scratch = cell.scratch(samples);
            let of_step = cell.multiply_adds().unwrap_or(0) * samples;
            C::share_steps(&mut scratch, if samples > 1 { busy(of_step) } else { 1 });
            Steps::Kernels(scratch, cell.block(samples))
        } else {
            Steps::Gates(cell.work(Needs::of(tape)))
        }
    }

    /// Takes step `i` of these steps of the pass.
    #[allow(clippy::too_many_arguments)] // a step needs all of them
    fn take(
        &mut self,
        cell: &C,
        pass: &Pass<C::Elem>,
        tape: &mut CellTape<C::Elem>,
        i: usize,
        span: Range<usize>,
        rows: &Rows,
        state: &mut C::State,
    ) -> Result<()> {
        let samples = pass.x.dim().0;
        let t = times(pass, i).0;
        match self {
            Steps::Kernels(scratch, block) => {
                if *block > 0 && (i - span.start).is_multiple_of(*block) {
                    let ahead = (i..span.end.min(i + *block)).map(|i| times(pass, i).0);
                    let steps = ahead.flat_map(|t| (0..samples).map(move |row| (row, t)));
                    let steps = steps.filter(|&(row, t)| is_real(pass, row, t));
                    cell.prepare(&pass.x, steps, scratch);
                }
                let x = pass.x.index_axis(Axis(1), t);
                if tape.gates.is_empty() {
                    return cell.advance(x, rows, state, scratch);
                }
                if rows.active().count() > 0 {
                    let gates = of_step_mut(&mut tape.gates, i - tape.first);
                    cell.advance_keeping(x, rows, state, scratch, gates);
                }
                Ok(())
            }
            Steps::Gates(work) => {
                let real = (0..samples).filter(|&row| is_real(pass, row, t));
                let steps: Vec<_> = real.map(|row| (row, i, t)).collect();
                let arrays = C::arrays(state);
                let before = |state: usize, _, row| arrays[state].row(row);
                let block = gather(pass, tape, &steps, arrays.len(), before);
                cell.gates(&block, work);
                let samples: Vec<usize> = steps.iter().map(|&(row, ..)| row).collect();
                let step = Step {
                    index: i,
                    rows: 0..samples.len(),
                    samples: &samples,
                };
                cell.step_on(&block, &step, state, work);
                Ok(())
            }
        }
    }
}

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
        held: Array2::zeros((samples, cell.output_size())),
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
        part.resize(cell, span.len(), &from, Keep::Gates);
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
    /// What has reached the outputs of masked steps, and belongs to the last real output before them.
    held: Array2<C::Elem>,
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
        let pass = &self.pass;
        let (samples, timesteps, _) = pass.x.dim();
        let (t, at) = times(pass, i);
        let sequences = self.up.sequences.map(|d| d.index_axis_move(Axis(1), at));
        let last = self.up.last.filter(|_| i + 1 == timesteps);
        let mut arrays = C::arrays_mut(state);
        let mut real = Vec::with_capacity(samples);
        for row in 0..samples {
            let is_real = is_real(pass, row, t);
            let mut held = self.held.row_mut(row);
            if let Some(d) = sequences
                && (is_real || !pass.zero_output_for_mask)
            {
                add(held.view_mut(), d.row(row));
            }
            if let Some(d) = last
                && (is_real || !self.zero_last)
            {
                add(held.view_mut(), d.row(row));
            }
            if is_real {
                add(arrays[0].row_mut(row), held.view());
                held.fill(num_traits::zero());
                real.push(row);
            }
        }
        real
    }
}

fn add<A: Element>(mut to: ArrayViewMut1<A>, d: ArrayView1<A>) {
    match (to.as_slice_mut(), d.to_slice()) {
        (Some(to), Some(d)) => to.iter_mut().zip(d).for_each(|(to, &d)| *to += d),
        _ => to += &d,
    }
}

/// The inputs of these steps, given as (sample, step, timestep), and the first `arrays` arrays of the states before them.
/// `state_before` gives the row of an array before a step of a sample.
fn gather<'t, 'b, A: Element>(
    pass: &Pass<A>,
    tape: &'t CellTape<A>,
    steps: &[(usize, usize, usize)],
    arrays: usize,
    state_before: impl Fn(usize, usize, usize) -> ArrayView1<'b, A>,
) -> Block<'t, A> {
    let mut x = spread(steps.len(), pass.x.dim().2);
    for (mut to, &(row, _, t)) in x.rows_mut().into_iter().zip(steps) {
        copy(pass.x.slice(s![row, t, ..]), to.view_mut());
    }
    let before = (0..arrays).map(|state| {
        let size = tape.before[state].dim().2;
        let dim = (steps.len(), size);
        // The output is multiplied with the gradients of the sums.
        let mut before = match state {
            0 => spread(dim.0, dim.1),
            _ => Array2::zeros(dim),
        };
        for (mut to, &(row, i, _)) in before.rows_mut().into_iter().zip(steps) {
            copy(state_before(state, i, row), to.view_mut());
        }
        before
    });
    let rows: Vec<usize> = steps.iter().map(|&(row, ..)| row).collect();
    let masks = |masks: &[Array2<A>]| {
        let masks = masks.iter().map(|mask| mask.select(Axis(0), &rows));
        masks.collect()
    };
    Block {
        tape,
        x,
        before: before.collect(),
        masks: CellMasks {
            input: masks(&tape.masks.input),
            recurrent: masks(&tape.masks.recurrent),
        },
    }
}

fn copy<A: Element>(from: ArrayView1<A>, mut to: ArrayViewMut1<A>) {
    match (from.to_slice(), to.as_slice_mut()) {
        (Some(from), Some(to)) => to.copy_from_slice(from),
        _ => to.assign(&from),
    }
}

/// Implements `Backward` for a built-in cell.
macro_rules! backward_of_cell {
    ($($cell:ident, $state:ident);*) => {$(
        impl<A: Element> Backward<A, crate::$state<A>> for crate::$cell<A> {
            fn record(
                &self,
                pass: Pass<A>,
                how: &mut Recorder,
                state: &mut crate::$state<A>,
                tape: &mut Tape,
            ) -> Result<Outputs<A>> {
                if self.goes_by_step() {
                    return step_back::record(self, &pass, how.zero_last, state, tape);
                }
                record(self, pass, how, state, tape.renew())
            }

            fn backward(
                &self,
                pass: Pass<A>,
                zero_last: bool,
                tape: &Tape,
                outputs: OutputGradients<A>,
                state: &mut crate::$state<A>,
                weights: LayerGradients<A>,
            ) -> Result<Array3<A>> {
                if self.goes_by_step() {
                    return step_back::unroll_back(
                        self, &pass, zero_last, tape, outputs, state, weights,
                    );
                }
                unroll_back(self, pass, zero_last, tape.get()?, outputs, state, weights)
            }

            fn drawn(&self, tape: &Tape, path: &str, each: &mut dyn FnMut(&str, ArrayD<f64>)) {
                if let Ok(tape) = tape.get::<CellTape<A>>() {
                    tape.masks.each(path, each);
                }
            }

            fn has_backward(&self) -> bool {
                Back::can_go_back(self) || self.goes_by_step()
            }

            fn add_initial_state(&self, d: &crate::$state<A>, weights: LayerGradients<A>) {
                Back::of_initial_state(self, d, weights);
            }
        }
    )*};
}
backward_of_cell!(SimpleRnn, HiddenState; Lstm, LstmState; Gru, HiddenState);
