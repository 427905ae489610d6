//! `Padded`: sequences of several lengths in one array, and the way back.

use super::Tensor;
use crate::Element;
use crate::error::{Error, Result, check};
use alloc::vec::Vec;
use core::ops::Range;
use ndarray::{Array, Array2, ArrayRef, ArrayView, Axis, Dimension, RemoveAxis};

/// The side of a sequence, in Keras' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The start.
    Pre,
    /// The end.
    Post,
}

/// Sequences of several lengths in one array, padded to one length. [`PadSequences`](crate::PadSequences) makes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Padded<A, D: Dimension> {
    values: Array<A, D>,
    lengths: Vec<usize>,
    side: Side,
}

impl<A: Element, D: Dimension> Padded<A, D> {
    /// The lengths belong to the samples, and none is larger than the timesteps.
    pub(super) fn new(values: Array<A, D>, lengths: Vec<usize>, side: Side) -> Self {
        Padded {
            values,
            lengths,
            side,
        }
    }

    /// The padded array, (samples, timesteps, features), or (samples, timesteps) of token ids.
    pub fn values(&self) -> &Array<A, D> {
        &self.values
    }

    /// How many timesteps of each sample are real. With padding at the end, [`Run::lengths`](crate::Run::lengths) takes
    /// them. With padding at the start, give [`Run::mask`](crate::Run::mask) the [`mask`](Self::mask).
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The mask, (samples, timesteps): `false` at padding.
    pub fn mask(&self) -> Array2<bool> {
        let timesteps = self.timesteps();
        let shape = (self.lengths.len(), timesteps);
        Array2::from_shape_fn(shape, |(sample, t)| {
            self.real(timesteps, self.lengths[sample]).contains(&t)
        })
    }

    /// The array with its mask, as [`Model::forward_tensor`](crate::Model::forward_tensor) takes it. The array is copied.
    pub fn tensor(&self) -> Tensor<A> {
        Tensor::new(&self.values).masked(&self.mask())
    }

    /// Takes the padding off again: the part of each sample that is real, as a view. The array may be an output of a layer
    /// or of a model, (samples, timesteps, …), or [`values`](Self::values) itself.
    ///
    /// Returns an error if the samples or the timesteps are not those of the padded array. A layer that changes the
    /// timesteps gives outputs that belong to no sequence in particular.
    pub fn split<'o, B, E: RemoveAxis>(
        &self,
        outputs: &'o ArrayRef<B, E>,
    ) -> Result<Vec<ArrayView<'o, B, E::Smaller>>> {
        let &[samples, timesteps, ..] = outputs.shape() else {
            return Err(Error::Rank {
                array: "output",
                expected: "2 or more (samples, timesteps, …)",
                found: outputs.ndim(),
            });
        };
        check("output", "samples", self.lengths.len(), samples)?;
        check("output", "timesteps", self.timesteps(), timesteps)?;
        let outputs = outputs.axis_iter(Axis(0)).zip(&self.lengths);
        let real = outputs.map(|(mut output, &length)| {
            output.slice_axis_inplace(Axis(0), self.real(timesteps, length).into());
            output
        });
        Ok(real.collect())
    }

    fn timesteps(&self) -> usize {
        self.values.len_of(Axis(1))
    }

    /// The timesteps of a sample that are real.
    fn real(&self, timesteps: usize, length: usize) -> Range<usize> {
        match self.side {
            Side::Pre => timesteps - length..timesteps,
            Side::Post => 0..length,
        }
    }
}
