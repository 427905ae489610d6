//! What a running layer needs room for, and the safe doors to the kernels.

use super::activate::Chosen;
use super::cells::{Halves, Variant};
use super::panels::Panels;
use super::steps::{Source, Step, Through};
use super::tile::Inputs;
use crate::Element;
use crate::mask::Rows;
use crate::state::zeros;
use alloc::vec;
use alloc::vec::Vec;
use core::mem;
use ndarray::{Array2, ArrayView2, ArrayView3, Axis};

/// Room for the projected inputs and the next state of one pass or stream. It allocates when it is made, and when more
/// timesteps are projected ahead than ever before.
#[derive(Clone, Debug)]
pub struct Workspace<A> {
    /// The projected inputs, one row for every real step of a sample, in the order in which they are taken.
    z: Vec<A>,
    /// How many threads share the step of one sample.
    threads: usize,
    /// How many of these rows were taken, and how many there are.
    taken: usize,
    ahead: usize,
    /// Where the rows of an input start.
    offsets: Vec<isize>,
    /// The state after the step, (samples, units); none if a step is done in place.
    next: Option<Array2<A>>,
    /// z, r * h and the inputs' part of the candidate of a GRU without `reset_after`; or, in `input`, the projected output
    /// of an LSTM.
    update: Vec<A>,
    reset: Vec<A>,
    input: Vec<A>,
}

/// What inputs are multiplied with and added to.
#[derive(Clone, Copy)]
pub struct Weights<'a, A> {
    pub kernel: &'a Panels<A>,
    pub bias: Option<&'a Panels<A>>,
}

/// The inputs of a step, (samples, features), and their weights.
#[derive(Clone, Copy)]
pub(crate) struct Input<'x, 'a, A> {
    pub x: &'x ArrayView2<'x, A>,
    pub weights: Weights<'a, A>,
    /// `x` is not that of one step of all samples, but of all these steps of one.
    pub through: Option<Through<'x, A>>,
}

/// The start of a row or an array, as a pointer knows it.
#[allow(clippy::cast_possible_wrap)] // an array is never larger than `isize::MAX` bytes
fn signed(offset: usize) -> isize {
    offset as isize
}

impl<A: Element> Workspace<A> {
    /// For steps of so many samples with these kernels.
    pub(crate) fn new(samples: usize, kernel: &Panels<A>, recurrent: &Panels<A>) -> Self {
        // One sample projects its input within the step; and a single tile has read all of the state before it writes.
        let rows = if samples > 1 { samples } else { 0 };
        let is_square = recurrent.rows() == recurrent.units();
        let in_place = samples == 1 && recurrent.tiles().count == 1 && is_square;
        Workspace {
            z: vec![A::zero(); rows * kernel.len()],
            threads: 1,
            taken: 0,
            ahead: 0,
            offsets: Vec::with_capacity(rows),
            next: (!in_place).then(|| zeros(samples, kernel.units())),
            update: Vec::new(),
            reset: Vec::new(),
            input: Vec::new(),
        }
    }

    /// The same for an LSTM whose output is projected.
    pub(crate) fn projected(
        samples: usize,
        kernel: &Panels<A>,
        recurrent: &Panels<A>,
        projection: &Panels<A>,
    ) -> Self {
        let mut workspace = Workspace::new(samples, kernel, recurrent);
        workspace.offsets.reserve(samples);
        workspace.input = vec![A::zero(); samples * projection.len()];
        workspace.next = Some(zeros(samples, kernel.units()));
        workspace
    }

    /// The same for a GRU without `reset_after`, whose inputs are always projected first.
    pub(crate) fn in_two_halves(samples: usize, kernel: &Panels<A>, candidate: &Panels<A>) -> Self {
        let room = samples * kernel.units();
        Workspace {
            z: vec![A::zero(); samples * kernel.len()],
            offsets: Vec::with_capacity(samples),
            update: vec![A::zero(); room],
            reset: vec![A::zero(); room],
            input: vec![A::zero(); samples * candidate.len()],
            next: Some(zeros(samples, kernel.units())),
            ..Workspace::new(0, kernel, candidate)
        }
    }

    /// Lets so many threads share the step of one sample.
    pub(crate) fn share(&mut self, threads: usize) {
        self.threads = threads.max(1);
    }

    /// Projects the inputs of these steps, (sample, timestep) in the order in which they will be taken. Returns what was
    /// projected, one row for each step.
    pub(crate) fn project(
        &mut self,
        kernel: &Panels<A>,
        bias: Option<&Panels<A>>,
        x: &ArrayView3<A>,
        steps: impl Iterator<Item = (usize, usize)>,
    ) -> &mut [A] {
        let (samples, timesteps, features) = x.dim();
        assert_eq!(features, kernel.rows());
        let [of_sample, of_step, of_feature]: [isize; 3] = x.strides().try_into().unwrap_or([0; 3]);
        self.offsets.clear();
        self.offsets.extend(steps.map(|(sample, t)| {
            assert!(sample < samples && t < timesteps);
            signed(sample) * of_sample + signed(t) * of_step
        }));
        let len = self.offsets.len() * kernel.len();
        if self.z.len() < len {
            self.z.resize(len, A::zero());
        }
        // SAFETY: each offset is the start of a row of the view, `features` numbers by its own strides.
        let inputs = unsafe { Inputs::new(x.as_ptr(), &self.offsets, of_feature) };
        kernel.project(bias, inputs, &mut self.z, self.threads);
        (self.taken, self.ahead) = (0, self.offsets.len());
        &mut self.z[..len]
    }

    /// Projects the inputs of the step that is next.
    #[inline(never)]
    fn project_now(&mut self, input: &Input<A>, rows: &Rows) {
        let Input { x, weights, .. } = *input;
        let Weights { kernel, bias } = weights;
        let x = x.view().insert_axis(Axis(1));
        match rows.active() {
            Some(rows) => self.project(kernel, bias, &x, rows.iter().map(|&row| (row, 0))),
            None => self.project(kernel, bias, &x, (0..rows.samples()).map(|row| (row, 0))),
        };
    }

    /// One step of a `SimpleRnn`: `h' = a(x W + h R + b)`.
    pub(crate) fn simple_rnn<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        panels: &'a Panels<A>,
        rows: &'a Rows,
        h: &mut Array2<A>,
        of: &Chosen,
    ) {
        let step = self.step(input, panels, rows, h);
        step.run(input.through.as_ref(), |step| A::simple_rnn(step, of));
        self.finish(input, rows, h);
    }

    /// One step of an `Lstm`.
    pub(crate) fn lstm<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        panels: &'a Panels<A>,
        rows: &'a Rows,
        (h, c): (&mut Array2<A>, &mut Array2<A>),
        of: &Chosen,
    ) {
        let c = memory(c, rows, panels);
        let step = self.step(input, panels, rows, h);
        step.run(input.through.as_ref(), |step| A::lstm(step, c, of));
        self.finish(input, rows, h);
    }

    /// One step of an `Lstm` that is not as Keras has it.
    pub(crate) fn lstm_variant<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        (panels, projection): (&'a Panels<A>, Option<&Panels<A>>),
        rows: &'a Rows,
        (h, c): (&mut Array2<A>, &mut Array2<A>),
        variant: Variant<A>,
        of: &Chosen,
    ) {
        let c = memory(c, rows, panels);
        let peepholes = variant.peepholes.map_or(3 * panels.units(), <[A]>::len);
        assert!(peepholes == 3 * panels.units());
        let step = self.step(input, panels, rows, h);
        step.run(input.through.as_ref(), |step| {
            if variant.peepholes.is_some() || variant.input_forget {
                A::lstm_variant(step, c, variant, of);
            } else {
                A::lstm(step, c, of);
            }
        });
        match projection {
            Some(projection) => self.finish_projected(projection, rows, h),
            None => self.finish(input, rows, h),
        }
    }

    /// One step of a `Gru` with `reset_after`.
    pub(crate) fn gru<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        (panels, inner): (&'a Panels<A>, Option<&'a Panels<A>>),
        rows: &'a Rows,
        h: &mut Array2<A>,
        of: &Chosen,
    ) {
        let step = self.step(input, panels, rows, h);
        step.run(input.through.as_ref(), |step| A::gru(step, inner, of));
        self.finish(input, rows, h);
    }

    /// One step of a `Gru` without `reset_after`: the gates of all units, then the candidates, which need all of r * h.
    pub(crate) fn gru_in_two_halves<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        (gates, candidate): (&'a Panels<A>, &'a Panels<A>),
        rows: &'a Rows,
        h: &mut Array2<A>,
        of: &Chosen,
    ) {
        let (units, count) = (gates.units(), rows.count());
        assert!(self.update.len() >= count * units && self.reset.len() >= count * units);
        assert!(self.input.len() >= count * candidate.len());
        if self.ahead == 0 {
            self.project_now(input, rows);
        }
        let halves = Halves {
            update: self.update.as_mut_ptr(),
            reset: self.reset.as_mut_ptr(),
            input: self.input.as_mut_ptr(),
            input_len: candidate.len(),
        };
        let step = &self.step(input, gates, rows, h);
        A::gru_gates(step, halves, of);
        let step = &self.step(input, candidate, rows, h);
        A::gru_candidate(step, halves, of);
        self.finish(input, rows, h);
    }

    /// Checks what [`Step`] promises.
    #[inline(always)]
    fn step<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        panels: &'a Panels<A>,
        rows: &'a Rows,
        h: &mut Array2<A>,
    ) -> Step<'a, A> {
        let is_push = rows.samples() == 1 && rows.all_active() && input.through.is_none();
        if is_push && self.ahead == 0 {
            self.step_of_one(input, panels, h)
        } else {
            self.step_of_any(input, panels, rows, h)
        }
    }

    /// The same for one step of one sample, which a stream takes so often that each instruction counts.
    #[inline(always)]
    fn step_of_one<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        panels: &'a Panels<A>,
        h: &mut Array2<A>,
    ) -> Step<'a, A> {
        assert!(h.dim() == (1, panels.rows()) && in_rows(h));
        assert!(input.x.dim() == (1, input.weights.kernel.rows()));
        let next = self.next(1, panels, h);
        Step {
            panels,
            source: Source::Input {
                weights: &input.weights,
                x: input.x.as_ptr(),
                stride: input.x.strides()[1],
                apart: 0,
            },
            rows: None,
            count: 1,
            threads: self.threads,
            h: h.as_ptr(),
            next,
        }
    }

    #[inline(never)]
    fn step_of_any<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        panels: &'a Panels<A>,
        rows: &'a Rows,
        h: &mut Array2<A>,
    ) -> Step<'a, A> {
        let Input { x, through, .. } = *input;
        let kernel = input.weights.kernel;
        let (samples, count) = (rows.samples(), rows.count());
        assert!(h.dim() == (samples, panels.rows()) && in_rows(h));
        let next = self.next(samples, panels, h);
        let (steps, outputs) = match through {
            Some(of) => {
                assert!(samples == 1 && count == 1 && of.steps > 0);
                assert!(panels.rows() == panels.units() && of.units == panels.units());
                (of.steps, of.outputs)
            }
            None => (1, None),
        };
        let x_rows = if through.is_some() { steps } else { samples };
        assert!(x.dim() == (x_rows, kernel.rows()));
        let source = if self.ahead == 0 && count == 1 {
            let sample = rows.active().map_or(0, |rows| rows[0]);
            let [apart, stride] = *x.strides() else {
                unreachable!("two axes have two strides")
            };
            Source::Input {
                weights: &input.weights,
                x: x.as_ptr().wrapping_offset(signed(sample) * apart),
                stride,
                apart,
            }
        } else {
            if self.ahead == 0 {
                self.project_now(input, rows);
            }
            let len = kernel.len();
            let rows = count * steps;
            assert!(self.taken + rows <= self.ahead && self.ahead * len <= self.z.len());
            let z = self.z[self.taken * len..].as_ptr();
            Source::Projected { z, len }
        };
        Step {
            panels,
            source,
            rows: rows.active(),
            count,
            threads: self.threads,
            h: h.as_ptr(),
            next: outputs.map_or(next, |to| to.first),
        }
    }

    /// Where the new state goes: (samples, units), or the state itself in a step in place.
    #[inline(always)]
    fn next(&mut self, samples: usize, panels: &Panels<A>, h: &mut Array2<A>) -> *mut A {
        if let Some(next) = &mut self.next {
            assert!(next.dim() == (samples, panels.units()));
            next.as_mut_ptr()
        } else {
            assert!(samples == 1 && panels.tiles().count == 1);
            assert!(panels.rows() == panels.units());
            h.as_mut_ptr()
        }
    }

    /// The new state becomes the state; those who took no step keep theirs. Of several steps the last one's does, if it
    /// is not among the outputs.
    #[inline(always)]
    fn finish(&mut self, input: &Input<A>, rows: &Rows, h: &mut Array2<A>) {
        let (steps, in_next) = match &input.through {
            Some(through) => (
                through.steps,
                through.outputs.is_none() && through.steps % 2 == 1,
            ),
            None => (1, true),
        };
        if let Some(next) = self.next.as_mut().filter(|_| in_next) {
            match rows.active() {
                None => mem::swap(h, next),
                Some(rows) => keep(rows, next, h),
            }
        }
        self.take(rows.count() * steps);
    }

    /// The same where what becomes the state is the product of `next` and the projection.
    fn finish_projected(&mut self, projection: &Panels<A>, rows: &Rows, h: &mut Array2<A>) {
        let (len, units) = (projection.len(), projection.rows());
        let next = self.next.as_ref().filter(|next| next.ncols() == units);
        let next = next.expect("`projected` makes room");
        let sample = |i: usize| rows.active().map_or(i, |rows| rows[i]);
        self.offsets.clear();
        self.offsets
            .extend((0..rows.count()).map(|i| signed(sample(i) * units)));
        // SAFETY: each offset is the start of a row of `next`, which are `units` numbers one behind the other.
        let inputs = unsafe { Inputs::new(next.as_ptr(), &self.offsets, 1) };
        projection.project(None, inputs, &mut self.input, 1);
        for (i, projected) in self.input.chunks(len).take(rows.count()).enumerate() {
            let mut h = h.row_mut(sample(i));
            h.iter_mut().zip(projected).for_each(|(h, &p)| *h = p);
        }
        self.take(rows.count());
    }

    /// So many of the projected inputs were taken.
    #[inline(always)]
    fn take(&mut self, steps: usize) {
        if self.ahead > 0 {
            self.taken += steps;
            if self.taken == self.ahead {
                (self.taken, self.ahead) = (0, 0);
            }
        }
    }
}

/// The new state of these samples becomes their state.
#[inline(never)]
fn keep<A: Element>(rows: &[usize], next: &Array2<A>, h: &mut Array2<A>) {
    for &row in rows {
        h.row_mut(row).assign(&next.row(row));
    }
}

/// The memory of an LSTM, checked as the state is.
#[inline(always)]
fn memory<A: Element>(c: &mut Array2<A>, rows: &Rows, panels: &Panels<A>) -> *mut A {
    assert!(c.dim() == (rows.samples(), panels.units()) && in_rows(c));
    c.as_mut_ptr()
}

/// Whether (samples, units) lies row by row, without gaps.
#[inline]
fn in_rows<A>(array: &Array2<A>) -> bool {
    // The general answer, which knows empty arrays and single rows, takes longer.
    matches!(*array.strides(), [row, 1] if row == signed(array.ncols()) || array.nrows() == 1)
        || array.is_standard_layout()
}
