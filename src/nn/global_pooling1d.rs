//! `GlobalPooling1d`: the maximum or the average over all timesteps.

use super::pool::Pool;
use crate::Element;
use crate::error::{Error, Result, check};
use crate::model::{
    self, AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back,
};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayRef, ArrayView2, ArrayViewMut1, Axis, Ix2, Ix3};

/// The maximum or the average of every feature over all timesteps: (samples, timesteps, features) in, (samples,
/// features) out.
///
/// As in Keras, the average skips masked timesteps (and is NaN where all are masked), the maximum ignores the mask, and
/// no mask passes on. Source: `keras.layers.GlobalMaxPooling1D`, `GlobalAveragePooling1D`.
///
/// ```
/// use ndarray::array;
/// use recurrent::GlobalPooling1d;
/// let x = array![[[1.0], [2.0], [6.0]]];
/// assert_eq!(GlobalPooling1d::max().forward(&x)?, array![[6.0]]);
/// assert_eq!(GlobalPooling1d::average().forward(&x)?, array![[3.0]]);
/// let mask = array![[true, true, false]];
/// assert_eq!(GlobalPooling1d::average().forward_masked(&x, &mask)?, array![[1.5]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalPooling1d {
    pub(super) pool: Pool,
    keepdims: bool,
}

impl GlobalPooling1d {
    /// Takes the maximum of each feature.
    pub fn max() -> Self {
        GlobalPooling1d {
            pool: Pool::Max,
            keepdims: false,
        }
    }

    /// Takes the average of each feature.
    pub fn average() -> Self {
        GlobalPooling1d {
            pool: Pool::Average,
            keepdims: false,
        }
    }

    /// Sets whether the axis of timesteps stays, with length 1, in a [`Model`](crate::Model): (samples, 1, features)
    /// out.
    pub fn keepdims(mut self, yes: bool) -> Self {
        self.keepdims = yes;
        self
    }

    /// Computes (samples, timesteps, features) to (samples, features).
    pub fn forward<A: Element>(&self, x: &ArrayRef<A, Ix3>) -> Result<Array2<A>> {
        let features = x.dim().2.max(1);
        each(x, |_, x, mut y| {
            let x = x.as_standard_layout();
            if let (Some(x), Some(y)) = (x.as_slice(), y.as_slice_mut()) {
                self.pool.rows(x.chunks_exact(features), y);
            }
        })
    }

    /// Computes (samples, timesteps, features) to (samples, features), with a mask (samples, timesteps).
    pub fn forward_masked<A: Element>(
        &self,
        x: &ArrayRef<A, Ix3>,
        mask: &ArrayRef<bool, Ix2>,
    ) -> Result<Array2<A>> {
        check("mask", "samples", x.dim().0, mask.nrows())?;
        check("mask", "timesteps", x.dim().1, mask.ncols())?;
        if self.pool == Pool::Max {
            return self.forward(x);
        }
        let features = x.dim().2.max(1);
        each(x, |sample, x, mut y| {
            let (x, real) = (x.as_standard_layout(), mask.row(sample));
            if let (Some(x), Some(y)) = (x.as_slice(), y.as_slice_mut()) {
                average(x.chunks_exact(features), real, y);
            }
        })
    }
}

/// Writes the average of the rows that are real to `y`.
fn average<'x, A: Element>(
    rows: impl Iterator<Item = &'x [A]>,
    real: impl IntoIterator<Item = &'x bool>,
    y: &mut [A],
) {
    y.fill(A::zero());
    let mut count = 0.0;
    for (x, _) in rows.zip(real).filter(|(_, real)| **real) {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y += x);
        count += 1.0;
    }
    let count = A::from_f64(count);
    y.iter_mut().for_each(|y| *y /= count);
}

/// Applies `pool` to each sample, (timesteps, features) to (features).
fn each<A: Element>(
    x: &ArrayRef<A, Ix3>,
    pool: impl Fn(usize, ArrayView2<A>, ArrayViewMut1<A>),
) -> Result<Array2<A>> {
    let (samples, timesteps, features) = x.dim();
    if timesteps == 0 {
        return Err(Error::value("number of timesteps", "at least 1", 0));
    }
    let mut y = Array2::zeros((samples, features));
    if y.is_empty() {
        return Ok(y);
    }
    for (sample, (x, y)) in x.outer_iter().zip(y.outer_iter_mut()).enumerate() {
        pool(sample, x, y);
    }
    Ok(y)
}
crate::describe::describe!(GlobalPooling1d, "global_pooling1d", { pool, keepdims } => Ok(GlobalPooling1d { pool, keepdims }));

impl<A: Element> AnyLayer<A> for GlobalPooling1d {
    fn name(&self) -> &str {
        match self.pool {
            Pool::Max => "global_max_pooling1d",
            Pool::Average => "global_average_pooling1d",
        }
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "3 (samples, timesteps, features)")?;
        let y = match &input.mask {
            Some(mask) => self.forward_masked(&x, mask)?,
            None => GlobalPooling1d::forward(self, &x)?,
        };
        Ok(if self.keepdims {
            Tensor::bare(y.insert_axis(Axis(1)))
        } else {
            Tensor::bare(y)
        })
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let [samples, features] =
            [0, 2].map(|axis| inputs.first().and_then(|input| input.len_of(axis)));
        vec![if self.keepdims {
            Shape::from([samples, Some(1), features])
        } else {
            Shape::from([samples, features])
        }]
    }

    fn uses_mask(&self) -> bool {
        self.pool == Pool::Average
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence("it pools all timesteps")
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let [samples, timesteps, features] = *inputs.first().map_or(&[][..], |of| &of.axes) else {
            return Ok(None); // a call reports what is wrong
        };
        if [samples, timesteps, features].contains(&0) {
            return Ok(None);
        }
        model::each(self, inputs, move |of: &Self, inputs, output| {
            let input = inputs.first()?;
            let mask = input.mask().filter(|_| of.pool == Pool::Average);
            let outputs = output.numbers.chunks_exact_mut(features);
            let samples = input.numbers.chunks_exact(timesteps * features);
            for (sample, (x, y)) in samples.zip(outputs).enumerate() {
                let x = x.chunks_exact(features);
                match mask {
                    None => of.pool.rows(x, y),
                    Some(mask) => average(x, &mask[sample * timesteps..][..timesteps], y),
                }
            }
            output.set_mask(None);
            Ok(())
        })
    }

    goes_back!();
    described!();
}
