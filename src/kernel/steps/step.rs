//! `Step`: the memory that the step of any cell reads and writes.

use crate::kernel::packed::{MOST_ROWS, Panels, Tile};
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr;
use ndarray::ArrayViewMut2;

/// A step whose pointers are valid.
#[derive(Clone, Copy)]
pub struct Step<'a, A>(Parts<'a, A>);

/// The parts of a [`Step`].
#[derive(Clone, Copy)]
pub struct Parts<'a, A> {
    /// The recurrent kernel, or the part of it that this step uses.
    pub panels: &'a Panels<A>,
    pub source: Source<'a, A>,
    /// The samples that take the step. `None` means all of them, which are `count`.
    pub rows: Option<&'a [usize]>,
    pub count: usize,
    /// The number of threads that may share the step, if it is of one sample.
    pub threads: usize,
    /// The state, (samples, rows of `panels`).
    pub h: *const A,
    /// The new state, (samples, units).
    pub next: *mut A,
}

/// The source of the inputs' part of the sums. Both variants add up in the same order.
#[derive(Clone, Copy)]
pub enum Source<'a, A> {
    /// The inputs were projected before the step. The `i`-th sample that takes the step has the `i`-th row of `len`
    /// numbers.
    Projected { z: *const A, len: usize },
    /// The step is of one sample and projects its input itself. The numbers of the input are at distances of `stride`, and
    /// the input of the next step is at a distance of `apart`.
    ///
    /// The weights are a reference, since two fields that were just written one by one would be copied as one vector, and
    /// such a copy waits until the previous step has retired.
    Input {
        weights: &'a Weights<'a, A>,
        x: *const A,
        stride: isize,
        apart: isize,
    },
}

/// The kernel that inputs are multiplied with, and the bias that is added.
#[derive(Clone, Copy)]
pub struct Weights<'a, A> {
    pub kernel: &'a Panels<A>,
    pub bias: Option<&'a Panels<A>>,
}

impl<A> Weights<'_, A> {
    /// Whether these weights were packed for the inputs of a step with these panels, with `gates` gates.
    #[inline]
    pub fn fit(&self, panels: &Panels<A>, gates: usize) -> bool {
        let Weights { kernel, bias } = self;
        (kernel.gates(), kernel.units(), kernel.isa()) == (gates, panels.units(), panels.isa())
            && bias.is_none_or(|bias| bias.rows() == 1 && bias.has_layout_of(kernel))
    }
}

/// Consecutive steps of one sample, and the place for their outputs, if they are wanted.
#[derive(Clone, Copy)]
pub struct Through<'o, A> {
    pub(super) steps: usize,
    pub(super) units: usize,
    /// The outputs, one row for each step. Each row is the state that the next step starts from.
    pub(super) outputs: Option<Outputs<A>>,
    borrowed: PhantomData<&'o mut A>,
}

#[derive(Clone, Copy)]
pub(super) struct Outputs<A> {
    pub first: *mut A,
    pub apart: isize,
}

impl<'o, A> Through<'o, A> {
    /// Makes `steps` steps with the outputs (timesteps, units). `None` if the numbers of a row of the outputs are not
    /// adjacent.
    pub(crate) fn new(
        steps: usize,
        units: usize,
        outputs: Option<&'o mut ArrayViewMut2<A>>,
    ) -> Option<Self> {
        let outputs = match outputs {
            Some(to) => {
                assert!(to.dim() == (steps, units));
                let [apart, stride] = *to.strides() else {
                    unreachable!("two axes have two strides")
                };
                if stride != 1 && units > 1 {
                    return None;
                }
                let first = to.as_mut_ptr();
                Some(Outputs { first, apart })
            }
            None => None,
        };
        Some(Through {
            steps,
            units,
            outputs,
            borrowed: PhantomData,
        })
    }
}

impl<'a, A> Step<'a, A> {
    /// Makes a step from its parts.
    ///
    /// # Safety
    /// For as long as the step is used, all of these must hold:
    /// * `h` and `next` point to arrays of the shapes that [`Parts`] names, in row-major order without gaps.
    /// * If `rows` is given, it has `count` different samples of these arrays. Otherwise the arrays have `count` samples.
    /// * `source` is valid for reads of the inputs of each of these samples, as [`Source`] describes them.
    /// * The panels of `source` and `panels` were packed for the same units and instruction set.
    /// * Nobody else writes to any of this memory, and nobody else reads `next`.
    /// * `next` does not overlap `h`, unless one sample takes its step in one tile. Then `next` may be `h`.
    pub unsafe fn new(parts: Parts<'a, A>) -> Self {
        Step(parts)
    }

    /// Runs this step, and then the further steps of `through`.
    ///
    /// # Safety
    /// If `through` has more than one step, this must be the first of them, and all of them must be of one sample. `source`
    /// must be valid for reads of the inputs of each of these steps, and the outputs must have a row for each of them.
    #[inline(always)]
    pub unsafe fn run(mut self, through: Option<&Through<A>>, run: impl Fn(&Self)) {
        run(&self);
        let Some(through) = through else { return };
        for _ in 1..through.steps {
            match &mut self.0.source {
                Source::Projected { z, len } => *z = z.wrapping_add(*len),
                Source::Input { x, apart, .. } => *x = x.wrapping_offset(*apart),
            }
            let (before, now) = (self.h.cast_mut(), self.next);
            self.0.h = now;
            self.0.next = match &through.outputs {
                Some(outputs) => now.wrapping_offset(outputs.apart),
                None => before,
            };
            run(&self);
        }
    }
}

impl<'a, A> Deref for Step<'a, A> {
    type Target = Parts<'a, A>;

    #[inline(always)]
    fn deref(&self) -> &Parts<'a, A> {
        &self.0
    }
}

/// Units of a row: `count` of them from `first` on, or as many as a vector has, if that is less.
#[derive(Clone, Copy)]
pub struct Units {
    pub row: usize,
    pub first: usize,
    pub count: usize,
}

impl<A> Step<'_, A> {
    /// The index of the sample in the `i`-th row.
    #[inline(always)]
    pub fn sample(&self, i: usize) -> usize {
        self.rows.map_or(i, |rows| rows[i])
    }

    /// The offset of these units in an array (samples, units).
    #[inline(always)]
    pub fn at(&self, units: Units) -> usize {
        self.sample(units.row) * self.panels.units() + units.first
    }

    /// The state that the `i`-th row starts from.
    #[inline(always)]
    pub fn h_row(&self, i: usize) -> *const A {
        self.h.wrapping_add(self.sample(i) * self.panels.rows())
    }

    /// The states that the rows of a tile start from.
    #[inline(always)]
    pub fn h_rows(&self, tile: &Tile) -> [*const A; MOST_ROWS] {
        let mut h = [ptr::null(); MOST_ROWS];
        for (r, h) in h.iter_mut().enumerate().take(tile.rows) {
            *h = self.h_row(tile.row + r);
        }
        h
    }
}
