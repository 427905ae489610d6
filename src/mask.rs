//! `Mask` and `Rows`: which samples take a step, and what a masked sample outputs.

use crate::Element;
use crate::error::{Error, Result, check};
use crate::kernel::Active;
use alloc::vec::Vec;
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis};

/// Which timesteps of a call are real. `false` means masked.
#[derive(Clone, Copy, Debug)]
pub enum Mask<'a> {
    /// A mask of any pattern, (samples, timesteps).
    Steps(ArrayView2<'a, bool>),
    /// Right padding: sample `r` has `lengths[r]` real timesteps, and the rest is masked.
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

impl<'a> Mask<'a> {
    /// The number of real timesteps of this sample.
    pub(crate) fn real_steps(&self, row: usize) -> usize {
        match self {
            Mask::Steps(mask) => mask.row(row).iter().filter(|&&real| real).count(),
            Mask::Lengths(lengths) => lengths[row],
        }
    }

    /// Splits the mask into that of the samples before `middle` and that of the others.
    pub(crate) fn split(self, middle: usize) -> (Mask<'a>, Mask<'a>) {
        match self {
            Mask::Steps(mask) => {
                let (before, after) = mask.split_at(Axis(0), middle);
                (Mask::Steps(before), Mask::Steps(after))
            }
            Mask::Lengths(lengths) => {
                let (before, after) = lengths.split_at(middle);
                (Mask::Lengths(before), Mask::Lengths(after))
            }
        }
    }
}

/// The samples of a pass or a stream: which of them take the current step, and which have taken one before.
///
/// The carried output needs no array of its own. A masked sample keeps its state, so the output of its state *is* the
/// previous output. The exception is a sample that has had no real timestep yet: in Keras its output is 0, not h0.
/// `started` marks the samples that have had one.
#[derive(Clone, Debug)]
pub struct Rows {
    active: Active,
    /// `real` and `started` are empty if there can be no mask.
    real: Vec<bool>,
    started: Vec<bool>,
    /// Whether all samples take part and all have started. A further step of all samples then has nothing to update.
    steady: bool,
}

impl Rows {
    /// Makes rows for `samples` samples that take every step.
    pub(crate) fn unmasked(samples: usize) -> Self {
        Rows {
            active: Active::all(samples),
            real: Vec::new(),
            started: Vec::new(),
            steady: true,
        }
    }

    /// Makes rows for `samples` samples. Those marked in `started` have taken a step before.
    pub(crate) fn new(samples: usize, started: Option<&[bool]>) -> Self {
        Rows {
            active: Active::with_choice(samples),
            real: alloc::vec![true; samples],
            started: started.map_or_else(|| alloc::vec![false; samples], <[bool]>::to_vec),
            steady: false,
        }
    }

    /// The samples that take the current step.
    #[inline]
    pub(crate) fn active(&self) -> &Active {
        &self.active
    }

    #[inline]
    pub(crate) fn samples(&self) -> usize {
        self.active.samples()
    }

    /// Which samples have ever taken a step.
    pub(crate) fn started(&self) -> &[bool] {
        &self.started
    }

    /// Sets which samples have taken a step before, one entry for each sample.
    pub(crate) fn set_started(&mut self, started: Vec<bool>) {
        (self.started, self.steady) = (started, false);
    }

    pub(crate) fn is_active(&self, row: usize) -> bool {
        self.active.is_all() || self.real[row]
    }

    /// Chooses the samples that take the next step, without allocating.
    pub(crate) fn choose(&mut self, is_real: impl Fn(usize) -> bool) {
        self.steady = false;
        let (real, started) = (&mut self.real, &mut self.started);
        self.active.choose(|&row| {
            real[row] = is_real(row);
            started[row] |= real[row];
            real[row]
        });
    }

    #[inline]
    pub(crate) fn choose_all(&mut self) {
        if !self.steady {
            self.real.fill(true);
            self.started.fill(true);
            self.active.choose_all();
            self.steady = true;
        }
    }

    #[inline]
    pub(crate) fn choose_by(&mut self, mask: Option<&Mask>, t: usize) {
        match mask {
            Some(mask) => self.choose(|row| mask.is_real(row, t)),
            None => self.choose_all(),
        }
    }

    /// Marks this sample as having taken no step yet: its carried output is 0 again.
    pub(crate) fn restart(&mut self, row: usize) {
        self.started[row] = false;
        self.steady = false;
    }

    /// Sets whether this sample has taken a step before.
    pub(crate) fn start(&mut self, row: usize, started: bool) {
        self.started[row] = started;
        self.steady = false;
    }

    /// Writes the output of the step: the new output of active samples, and 0 or the previous output of the others.
    #[inline]
    pub(crate) fn append<A: Element>(
        &self,
        output: ArrayView2<A>,
        zero_output_for_mask: bool,
        mut to: ArrayViewMut2<A>,
    ) {
        if self.active.is_all() {
            match (output.to_slice(), to.as_slice_mut()) {
                (Some(from), Some(to)) => to.copy_from_slice(from),
                _ => output
                    .outer_iter()
                    .zip(to.outer_iter_mut())
                    .for_each(|(from, to)| copy(from, to)),
            }
        } else {
            self.append_some(output, zero_output_for_mask, to);
        }
    }

    /// Writes what [`append`](Self::append) writes to numbers that lie row by row.
    #[inline]
    pub(crate) fn append_to<A: Element>(
        &self,
        output: ArrayView2<A>,
        zero_output_for_mask: bool,
        to: &mut [A],
    ) -> Result<()> {
        match output.to_slice() {
            Some(from) if self.active.is_all() && from.len() == to.len() => {
                to.copy_from_slice(from);
            }
            _ => {
                let to = ArrayViewMut2::from_shape(output.raw_dim(), to)?;
                self.append(output, zero_output_for_mask, to);
            }
        }
        Ok(())
    }

    /// Writes the output of a step that not all samples took.
    fn append_some<A: Element>(
        &self,
        output: ArrayView2<A>,
        zero_output_for_mask: bool,
        mut to: ArrayViewMut2<A>,
    ) {
        for (row, mut to) in to.outer_iter_mut().enumerate() {
            if self.real[row] || (self.started[row] && !zero_output_for_mask) {
                copy(output.row(row), to);
            } else {
                to.fill(A::zero());
            }
        }
    }
}

/// Copies a row. Contiguous rows are copied as slices: `assign` takes longer to find that out than to copy a short row.
#[inline]
fn copy<A: Element>(from: ArrayView1<A>, mut to: ArrayViewMut1<A>) {
    match (from.to_slice(), to.as_slice_mut()) {
        (Some(from), Some(to)) => to.copy_from_slice(from),
        _ => to.assign(&from),
    }
}
