//! `Pass` and `Sink`: a checked call, and the destination of its outputs.

use crate::error::Result;
use crate::mask::Mask;
use alloc::vec::Vec;
use core::ops::Range;
use ndarray::{ArrayBase, ArrayView3, ArrayViewMut2, ArrayViewMut3, Axis, Ix2, RawData, Slice};

/// A checked call: what is read, in which order, and which timesteps of it are real.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a, A> {
    /// The input, (samples, timesteps, features).
    pub(crate) x: ArrayView3<'a, A>,
    pub(crate) mask: Option<Mask<'a>>,
    /// Which samples have had a real timestep in an earlier part of the call. `None` means none of them.
    pub(crate) started: Option<&'a [bool]>,
    /// Whether the last timestep is read first.
    pub(crate) backwards: bool,
    /// Whether entry 0 of the sequences belongs to the last timestep. This differs from `backwards`: both directions of a
    /// `Bidirectional` write in the same order.
    pub(crate) reversed: bool,
    pub(crate) zero_output_for_mask: bool,
    /// The number of threads that may work on the call.
    pub(crate) threads: usize,
}

impl<'a, A> Pass<'a, A> {
    /// Makes a pass over another input in the same order, with the same mask.
    pub(crate) fn over<'b>(&'b self, x: ArrayView3<'b, A>) -> Pass<'b, A> {
        let Pass {
            started,
            backwards,
            reversed,
            zero_output_for_mask,
            threads,
            ..
        } = *self;
        let mask = self.mask.map(Mask::reborrow);
        Pass {
            x,
            mask,
            started,
            backwards,
            reversed,
            zero_output_for_mask,
            threads,
        }
    }

    /// The number of real timesteps of all samples together.
    pub(crate) fn real_steps(&self) -> usize {
        (0..self.x.dim().0).map(|row| self.real_steps_of(row)).sum()
    }

    fn real_steps_of(&self, row: usize) -> usize {
        let timesteps = self.x.dim().1;
        self.mask.map_or(timesteps, |mask| mask.real_steps(row))
    }

    /// The number of leading samples that have about `part / of` of the real timesteps: at least one sample, and not all of
    /// them.
    pub(crate) fn middle(&self, part: usize, of: usize) -> usize {
        let (samples, goal) = (self.x.dim().0, self.real_steps() * part / of);
        let (mut middle, mut steps) = (0, 0);
        while middle < samples && steps + self.real_steps_of(middle) / 2 < goal {
            steps += self.real_steps_of(middle);
            middle += 1;
        }
        middle.clamp(1, samples - 1)
    }

    /// Splits the pass into that of the samples before `middle` and that of the others.
    pub(crate) fn split(&self, middle: usize) -> (Pass<'a, A>, Pass<'a, A>) {
        let (before, after) = self.x.split_at(Axis(0), middle);
        let masks = self.mask.map(|mask| mask.split(middle));
        let started = self.started.map(|started| started.split_at(middle));
        let part = |x, mask, started| Pass {
            x,
            mask,
            started,
            ..*self
        };
        let (first, second) = (masks.map(|m| m.0), masks.map(|m| m.1));
        (
            part(before, first, started.map(|s| s.0)),
            part(after, second, started.map(|s| s.1)),
        )
    }

    /// Runs the pass in stretches of `steps` timesteps. The layer must carry everything from one stretch to the next in its
    /// state. The arrays between its parts are then never longer than a stretch.
    pub(crate) fn in_stretches(
        &self,
        steps: usize,
        mut sink: Sink<A>,
        mut run: impl FnMut(Pass<A>, Sink<A>) -> Result<()>,
    ) -> Result<()> {
        let (samples, timesteps, _) = self.x.dim();
        if timesteps <= steps {
            return run(self.over(self.x), sink);
        }
        let mut started = match self.started {
            Some(started) => started.to_vec(),
            None => alloc::vec![false; samples],
        };
        for done in (0..timesteps).step_by(steps) {
            let count = steps.min(timesteps - done);
            let first = if self.backwards {
                timesteps - done - count
            } else {
                done
            };
            let times = Slice::from(first..first + count);
            let lengths: Vec<usize>;
            let mask = match self.mask {
                Some(Mask::Steps(mask)) => Some(Mask::Steps(mask.slice_axis_move(Axis(1), times))),
                Some(Mask::Lengths(all)) => {
                    let rest = |length: &usize| length.saturating_sub(first).min(count);
                    lengths = all.iter().map(rest).collect();
                    Some(Mask::Lengths(&lengths))
                }
                None => None,
            };
            let pass = Pass {
                x: self.x.slice_axis(Axis(1), times),
                mask,
                started: Some(&started),
                ..*self
            };
            let sink = match &mut sink {
                Sink::Last(last) => Sink::Last(last.view_mut()),
                Sink::Sequences(sequences) => {
                    let at = if self.reversed {
                        timesteps - first - count
                    } else {
                        first
                    };
                    let times = Slice::from(at..at + count);
                    Sink::Sequences(sequences.slice_axis_mut(Axis(1), times))
                }
            };
            run(pass, sink)?;
            for (row, started) in started.iter_mut().enumerate() {
                let mut times = first..first + count;
                let real = times.any(|t| self.mask.is_none_or(|mask| mask.is_real(row, t)));
                *started |= real;
            }
        }
        Ok(())
    }
}

/// The destination of the outputs.
#[derive(Debug)]
pub enum Sink<'a, A> {
    /// Takes the last appended output, (samples, units).
    Last(ArrayViewMut2<'a, A>),
    /// Takes the output of every timestep, (samples, timesteps, units).
    Sequences(ArrayViewMut3<'a, A>),
}

impl<'a, A> Sink<'a, A> {
    /// Splits the destination into that of the samples before `middle` and that of the others.
    pub(crate) fn split(self, middle: usize) -> (Sink<'a, A>, Sink<'a, A>) {
        match self {
            Sink::Last(last) => {
                let (before, after) = last.split_at(Axis(0), middle);
                (Sink::Last(before), Sink::Last(after))
            }
            Sink::Sequences(sequences) => {
                let (before, after) = sequences.split_at(Axis(0), middle);
                (Sink::Sequences(before), Sink::Sequences(after))
            }
        }
    }
}

/// Narrows the rows of one sample to these steps, in processing order. Steps are counted from the last row if `downwards`.
#[inline]
pub(crate) fn keep_steps<S: RawData>(
    rows: &mut ArrayBase<S, Ix2>,
    steps: Range<usize>,
    downwards: bool,
) {
    if downwards {
        rows.invert_axis(Axis(0));
    }
    if steps.len() < rows.nrows() {
        rows.slice_axis_inplace(Axis(0), Slice::from(steps));
    }
}
