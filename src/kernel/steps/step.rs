//! `Step`: what all cells read and write in a timestep.

use crate::kernel::packed::{MOST_ROWS, Panels, Tile};
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr;
use ndarray::ArrayViewMut2;

/// A step that has the memory it points at.
#[derive(Clone, Copy)]
pub struct Step<'a, A>(Parts<'a, A>);

/// What a [`Step`] is made of.
#[derive(Clone, Copy)]
pub struct Parts<'a, A> {
    /// The recurrent kernel, or the part of it that this step is about.
    pub panels: &'a Panels<A>,
    pub source: Source<'a, A>,
    /// The samples that take the step; `None`: all, which are `count`.
    pub rows: Option<&'a [usize]>,
    pub count: usize,
    /// How many may share it, if it is of one sample.
    pub threads: usize,
    /// The state, (samples, rows of `panels`).
    pub h: *const A,
    /// The new state, (samples, units).
    pub next: *mut A,
}

/// Where the inputs' part of the sums comes from: both ways add up in the same order.
#[derive(Clone, Copy)]
pub enum Source<'a, A> {
    /// It was projected ahead, the `i`-th row of `len` numbers for the `i`-th sample that takes the step.
    Projected { z: *const A, len: usize },
    /// The step is of one sample, and projects its input, one number every `stride`, itself; that of the next step is `apart`
    /// from it. (A reference to the weights: two fields that were just written one by one would be copied as one vector,
    /// and that waits until the step before has retired.)
    Input {
        weights: &'a Weights<'a, A>,
        x: *const A,
        stride: isize,
        apart: isize,
    },
}

/// What inputs are multiplied with and added to.
#[derive(Clone, Copy)]
pub struct Weights<'a, A> {
    pub kernel: &'a Panels<A>,
    pub bias: Option<&'a Panels<A>>,
}

impl<A> Weights<'_, A> {
    /// Whether these were packed as inputs of a step with these panels, `gates` of them.
    #[inline]
    pub fn fit(&self, panels: &Panels<A>, gates: usize) -> bool {
        let Weights { kernel, bias } = self;
        (kernel.gates(), kernel.units(), kernel.isa()) == (gates, panels.units(), panels.isa())
            && bias.is_none_or(|bias| bias.rows() == 1 && bias.has_layout_of(kernel))
    }
}

/// Steps of one sample that follow each other, and where their outputs go, if anybody wants them.
#[derive(Clone, Copy)]
pub struct Through<'o, A> {
    pub(super) steps: usize,
    pub(super) units: usize,
    /// A row for each step: the state that the next one starts from.
    pub(super) outputs: Option<Outputs<A>>,
    borrowed: PhantomData<&'o mut A>,
}

#[derive(Clone, Copy)]
pub(super) struct Outputs<A> {
    pub first: *mut A,
    pub apart: isize,
}

impl<'o, A> Through<'o, A> {
    /// `outputs` is (timesteps, units); none if the numbers of a row do not follow one another in memory.
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
    /// # Safety
    /// For as long as the step is used:
    /// * `h` and `next` point at arrays of the shapes that [`Parts`] names, row after row without gaps; `rows` are `count`
    ///   different samples of them, or they have `count` samples.
    /// * `source` has what it says for each of these samples. Its panels and `panels` were packed for the same units and
    ///   instruction set.
    /// * Nobody else writes to any of this memory, or reads `next`. But `next` may be `h` itself, where one sample takes its step
    ///   in one tile.
    pub unsafe fn new(parts: Parts<'a, A>) -> Self {
        Step(parts)
    }

    /// Runs this step, and those of `through` that come after it.
    ///
    /// # Safety
    /// If there are more steps, this is the first one of `through`: they are of one sample, and `source` and the outputs have
    /// what they say for each.
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

/// Some units of a row: `count` of them from `first` on, or a vector of them.
#[derive(Clone, Copy)]
pub struct Units {
    pub row: usize,
    pub first: usize,
    pub count: usize,
}

impl<A> Step<'_, A> {
    /// Which sample the `i`-th row is.
    #[inline(always)]
    fn sample(&self, i: usize) -> usize {
        self.rows.map_or(i, |rows| rows[i])
    }

    /// Where these units are in an array (samples, units).
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
