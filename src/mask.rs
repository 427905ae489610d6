//! Which samples take a step: masks, lengths, and what a masked sample outputs.

use crate::Element;
use crate::error::{Error, Result, check};
use alloc::vec::Vec;
use ndarray::{ArrayView2, ArrayViewMut2};

/// Which steps of a call are real. `false` = masked.
#[derive(Clone, Copy, Debug)]
pub enum Mask<'a> {
    /// Any pattern, (samples, timesteps).
    Steps(ArrayView2<'a, bool>),
    /// Right padding: sample `r` has `lengths[r]` real steps, the rest is masked.
    Lengths(&'a [usize]),
}

impl<'a> Mask<'a> {
    pub(crate) fn reborrow<'b>(self) -> Mask<'b>
    where
        'a: 'b,
    {
        match self {
            Mask::Steps(mask) => Mask::Steps(mask.reborrow()),
            Mask::Lengths(lengths) => Mask::Lengths(lengths),
        }
    }

    pub(crate) fn check(&self, samples: usize, timesteps: usize) -> Result<()> {
        match self {
            Mask::Steps(mask) => {
                check("mask", "samples", samples, mask.nrows())?;
                check("mask", "timesteps", timesteps, mask.ncols())
            }
            Mask::Lengths(lengths) => {
                check("lengths", "samples", samples, lengths.len())?;
                match lengths.iter().position(|&l| l > timesteps) {
                    None => Ok(()),
                    Some(sample) => Err(Error::Length {
                        sample,
                        timesteps,
                        found: lengths[sample],
                    }),
                }
            }
        }
    }

    pub(crate) fn is_real(&self, row: usize, t: usize) -> bool {
        match self {
            Mask::Steps(mask) => mask[[row, t]],
            Mask::Lengths(lengths) => t < lengths[row],
        }
    }
}

/// The samples of a pass or a stream: which take the present step, and which have ever taken one.
///
/// The carried output needs no array of its own. A masked sample holds its state, so the output of its state *is* the
/// previous output, except before its first real step, where Keras says 0 (not h0): hence `started`.
#[derive(Clone, Debug)]
pub struct Rows {
    real: Vec<bool>,
    started: Vec<bool>,
    active: Vec<usize>,
    /// All take part and all have started: nothing to do before a further step of all.
    steady: bool,
}

impl Rows {
    /// Every one of `samples` takes the step; none has taken one.
    pub(crate) fn new(samples: usize) -> Self {
        Rows {
            real: alloc::vec![true; samples],
            started: alloc::vec![false; samples],
            active: (0..samples).collect(),
            steady: false,
        }
    }

    pub(crate) fn samples(&self) -> usize {
        self.real.len()
    }

    /// The samples that take the step, ascending.
    pub(crate) fn active(&self) -> &[usize] {
        &self.active
    }

    pub(crate) fn all_active(&self) -> bool {
        self.active.len() == self.real.len()
    }

    pub(crate) fn is_active(&self, row: usize) -> bool {
        self.real[row]
    }

    /// Chooses who takes the next step. Allocates nothing: `active` was made for all.
    pub(crate) fn choose(&mut self, is_real: impl Fn(usize) -> bool) {
        self.steady = false;
        self.active.clear();
        for row in 0..self.real.len() {
            self.real[row] = is_real(row);
            self.started[row] |= self.real[row];
            if self.real[row] {
                self.active.push(row);
            }
        }
    }

    pub(crate) fn choose_all(&mut self) {
        if !self.steady {
            self.choose(|_| true);
            self.steady = true;
        }
    }

    pub(crate) fn choose_by(&mut self, mask: Option<&Mask>, t: usize) {
        match mask {
            Some(mask) => self.choose(|row| mask.is_real(row, t)),
            None => self.choose_all(),
        }
    }

    /// These samples have not taken a step: their carried output is 0 again.
    pub(crate) fn restart(&mut self, row: usize) {
        self.started[row] = false;
        self.steady = false;
    }

    /// Writes what the step appended: the output of those who took it, and 0 or the previous output of the others.
    pub(crate) fn append<A: Element>(
        &self,
        output: ArrayView2<A>,
        zero_output_for_mask: bool,
        mut to: ArrayViewMut2<A>,
    ) {
        if self.all_active() {
            to.assign(&output);
            return;
        }
        for (row, mut to) in to.rows_mut().into_iter().enumerate() {
            if self.real[row] || (self.started[row] && !zero_output_for_mask) {
                to.assign(&output.row(row));
            } else {
                to.fill(A::zero());
            }
        }
    }
}
