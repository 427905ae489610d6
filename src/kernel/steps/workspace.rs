//! `Workspace`: the memory of a running layer, and the checks before each step.

use super::active::Active;
use super::array::{in_rows, signed, zeros};
use super::step::{Parts, Source, Step, Through, Weights};
use crate::kernel::packed::{Inputs, Panels, Products};
use alloc::vec;
use alloc::vec::Vec;
use core::mem;
use ndarray::{Array2, ArrayView2, ArrayView3, Axis};

/// The memory for the projected inputs and the next state of a pass or stream. It allocates when it is made, and when more
/// timesteps are projected ahead than ever before.
#[derive(Clone, Debug)]
pub struct Workspace<A> {
    /// The projected inputs, one row for each real timestep of a sample, in the order of the steps.
    pub(super) z: Vec<A>,
    /// The number of threads that share the step of one sample.
    threads: usize,
    /// The number of rows of `z` that steps have used, and the number of rows that are projected.
    taken: usize,
    pub(super) ahead: usize,
    /// The offsets of the rows of an input.
    pub(super) offsets: Vec<isize>,
    /// The state after the step, (samples, units). `None` if the step is done in place.
    pub(super) next: Option<Array2<A>>,
    /// z, r * h and the candidate's inputs of a GRU without `reset_after`. For an LSTM with a projection, `input` is the
    /// projected output.
    pub(super) update: Vec<A>,
    pub(super) reset: Vec<A>,
    pub(super) input: Vec<A>,
}

/// The inputs of a step, (samples, features), and their weights.
#[derive(Clone, Copy)]
pub struct Input<'x, 'a, A> {
    pub x: &'x ArrayView2<'x, A>,
    pub weights: Weights<'a, A>,
    /// If given, `x` has the inputs of all these steps of one sample instead of those of one step of all samples.
    pub through: Option<Through<'x, A>>,
}

impl<'x, 'a, A> Input<'x, 'a, A> {
    /// The inputs of one step.
    #[inline]
    pub(crate) fn of_step(x: &'x ArrayView2<'x, A>, weights: Weights<'a, A>) -> Self {
        Input {
            x,
            weights,
            through: None,
        }
    }
}

impl<A: Products> Workspace<A> {
    /// Makes a workspace for steps of `samples` samples with these kernels.
    pub(crate) fn new(samples: usize, kernel: &Panels<A>, recurrent: &Panels<A>) -> Self {
        // A single sample projects its input within the step. A single tile has read all of the state before it writes.
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

    /// Lets `threads` threads share the step of one sample.
    pub(crate) fn share(&mut self, threads: usize) {
        self.threads = threads.max(1);
    }

    /// Projects the inputs of these steps, given as (sample, timestep) in the order of the steps. Returns the projected
    /// inputs, one row for each step.
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
        // SAFETY: each offset is the start of a row of `x`, which has `features` numbers at distances of `of_feature` and
        // is borrowed for the product.
        let inputs = unsafe { Inputs::new(x.as_ptr(), &self.offsets, of_feature) };
        kernel.project(bias, inputs, &mut self.z, self.threads);
        (self.taken, self.ahead) = (0, self.offsets.len());
        &mut self.z[..len]
    }

    /// Projects the inputs of the next step.
    #[inline(never)]
    pub(super) fn project_now(&mut self, input: &Input<A>, active: &Active) {
        let Input { x, weights, .. } = *input;
        let Weights { kernel, bias } = weights;
        let x = x.view().insert_axis(Axis(1));
        match active.rows() {
            Some(rows) => self.project(kernel, bias, &x, rows.iter().map(|&row| (row, 0))),
            None => self.project(kernel, bias, &x, (0..active.samples()).map(|row| (row, 0))),
        };
    }

    /// Calls `run` with the step of `input`, or with each of its consecutive steps. The inputs have `gates` gates.
    /// [`finish`](Self::finish) must be called afterwards.
    #[inline(always)]
    pub(super) fn advance<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        (panels, gates): (&'a Panels<A>, usize),
        active: &'a Active,
        h: &mut Array2<A>,
        run: impl Fn(&Step<A>),
    ) {
        // (In a release build this check would take one hundredth of a short step. Layers pack all of their weights alike.)
        debug_assert!(input.weights.fit(panels, gates));
        let step = self.step(input, panels, active, h);
        // SAFETY: `step` checked the inputs and outputs of all consecutive steps.
        unsafe { step.run(input.through.as_ref(), run) };
    }

    /// Makes the step after checking the shapes that [`Step::new`] requires.
    #[inline(always)]
    fn step<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        panels: &'a Panels<A>,
        active: &'a Active,
        h: &mut Array2<A>,
    ) -> Step<'a, A> {
        let is_push = active.samples() == 1 && active.is_all() && input.through.is_none();
        if is_push && self.ahead == 0 {
            self.step_of_one(input, panels, h)
        } else {
            self.step_of_any(input, panels, active, h)
        }
    }

    /// Makes the step of one sample. A stream takes it so often that each instruction counts.
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
        let parts = Parts {
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
        };
        // SAFETY: the asserts above checked the shapes, and the weights fit (see `advance`). All arrays are borrowed for
        // longer than the step is used.
        unsafe { Step::new(parts) }
    }

    /// Makes a step of any number of samples, or the first of consecutive steps.
    #[inline(never)]
    fn step_of_any<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        panels: &'a Panels<A>,
        active: &'a Active,
        h: &mut Array2<A>,
    ) -> Step<'a, A> {
        let Input { x, through, .. } = *input;
        let kernel = input.weights.kernel;
        let (samples, count) = (active.samples(), active.count());
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
            let sample = active.rows().map_or(0, |rows| rows[0]);
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
                self.project_now(input, active);
            }
            let len = kernel.len();
            let rows = count * steps;
            assert!(self.taken + rows <= self.ahead && self.ahead * len <= self.z.len());
            let z = self.z[self.taken * len..].as_ptr();
            Source::Projected { z, len }
        };
        let parts = Parts {
            panels,
            source,
            rows: active.rows(),
            count,
            threads: self.threads,
            h: h.as_ptr(),
            next: outputs.map_or(next, |to| to.first),
        };
        // SAFETY: the asserts above checked the shapes, `Active` has different samples of them, and the weights fit (see
        // `advance`). All arrays are borrowed for longer than the step is used.
        unsafe { Step::new(parts) }
    }

    /// Returns the place for the new state, (samples, units). It is the state itself in a step in place.
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

    /// Makes the new state the state. Samples that took no step keep theirs. After consecutive steps the last state is
    /// used, if it is not among the outputs.
    #[inline(always)]
    pub(super) fn finish(&mut self, input: &Input<A>, active: &Active, h: &mut Array2<A>) {
        let (steps, in_next) = match &input.through {
            Some(through) => (
                through.steps,
                through.outputs.is_none() && through.steps % 2 == 1,
            ),
            None => (1, true),
        };
        if let Some(next) = self.next.as_mut().filter(|_| in_next) {
            match active.rows() {
                None => mem::swap(h, next),
                Some(rows) => keep(rows, next, h),
            }
        }
        self.drop_taken(active.count() * steps);
    }

    /// The number of rows of `z` that steps have used.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Drops the projected inputs of `steps` steps, which have been taken.
    #[inline(always)]
    pub(super) fn drop_taken(&mut self, steps: usize) {
        if self.ahead > 0 {
            self.taken += steps;
            if self.taken == self.ahead {
                (self.taken, self.ahead) = (0, 0);
            }
        }
    }
}

/// Copies the new state of these samples to their state.
#[inline(never)]
fn keep<A: Products>(rows: &[usize], next: &Array2<A>, h: &mut Array2<A>) {
    for &row in rows {
        h.row_mut(row).assign(&next.row(row));
    }
}
