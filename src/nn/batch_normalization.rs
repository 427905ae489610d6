//! `BatchNormalization`: applies the moving averages of training.

use super::axis::place_in_sample;
use crate::Element;
use crate::error::{Error, Result, check};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back, in_place,
};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array, Array1, ArrayRef, Axis, Dimension, Zip};

/// Normalises with the averages of training, along one axis (the last by default):
///
/// ```text
/// y = gamma (x - moving_mean) / √(moving_variance + epsilon) + beta
/// ```
/// | array | shape |
/// | --- | --- |
/// | input, output | the same, with `features` numbers along the axis |
/// | gamma, beta | (features), or none (`scale=False`, `center=False`) |
/// | `moving_mean`, `moving_variance` | (features) |
///
/// Masks pass through and change nothing, as in Keras outside training. In a training (feature `train`) the mean and the
/// variance are those of the batch without its masked timesteps, and the averages move towards them:
///
/// ```text
/// moving = momentum moving + (1 - momentum) batch
/// ```
/// Source: Ioffe & Szegedy, "Batch Normalization"
/// (2015); `keras.layers.BatchNormalization`.
///
/// ```
/// use ndarray::array;
/// use recurrent::BatchNormalization;
/// let norm = BatchNormalization::from_weights(array![2.0], array![1.0], array![3.0], array![4.0])?.epsilon(0.0);
/// assert_eq!(norm.forward(&array![[5.0], [3.0]])?, array![[3.0], [1.0]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone)]
pub struct BatchNormalization<A> {
    pub(super) gamma: Option<Array1<A>>,
    pub(super) beta: Option<Array1<A>>,
    pub(super) moving_mean: Array1<A>,
    pub(super) moving_variance: Array1<A>,
    pub(super) axis: isize,
    pub(super) epsilon: f64,
    pub(super) momentum: f64,
}

/// The default of Keras.
const MOMENTUM: f64 = 0.99;

impl<A: Element> BatchNormalization<A> {
    /// Normalises along the last axis, with Keras' default epsilon of 0.001. Returns an error if the arrays differ in
    /// length.
    pub fn from_weights(
        gamma: impl Into<Option<Array1<A>>>,
        beta: impl Into<Option<Array1<A>>>,
        moving_mean: Array1<A>,
        moving_variance: Array1<A>,
    ) -> Result<Self> {
        let (gamma, beta) = (gamma.into(), beta.into());
        let features = moving_mean.len();
        for (name, array) in [("gamma", &gamma), ("beta", &beta)] {
            if let Some(array) = array {
                check(name, "features", features, array.len())?;
            }
        }
        check(
            "moving_variance",
            "features",
            features,
            moving_variance.len(),
        )?;
        Ok(BatchNormalization {
            gamma,
            beta,
            moving_mean,
            moving_variance,
            axis: -1,
            epsilon: 1e-3,
            momentum: MOMENTUM,
        })
    }

    /// Sets the axis, counted from 0 (the samples) or, if negative, from the end.
    pub fn axis(mut self, axis: isize) -> Self {
        self.axis = axis;
        self
    }

    /// Sets the constant that is added to the variance; 0.001 by default.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Sets how much of the moving averages each step of a training keeps; 0.99 by default.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Normalises an array; the output has the same shape. Returns an error if the length of the axis does not fit.
    pub fn forward<D: Dimension>(&self, x: &ArrayRef<A, D>) -> Result<Array<A, D>> {
        self.normalised(x.to_owned())
    }

    fn normalised<D: Dimension>(&self, mut x: Array<A, D>) -> Result<Array<A, D>> {
        if x.ndim() == 0 {
            return Err(Error::Rank {
                array: "input",
                expected: "at least 2 (samples, ...)",
                found: 0,
            });
        }
        let axis = Axis(place_in_sample(self.axis, x.ndim())?);
        check("input", "features", self.moving_mean.len(), x.len_of(axis))?;
        let (scale, offset) = self.scale_and_offset();
        for lane in x.lanes_mut(axis) {
            Zip::from(lane)
                .and(&scale)
                .and(&offset)
                .for_each(|y, &scale, &offset| *y = *y * scale + offset);
        }
        Ok(x)
    }

    /// The factor and the summand of every number.
    fn scale_and_offset(&self) -> (Array1<A>, Array1<A>) {
        let epsilon = A::from_f64(self.epsilon);
        let mut scale = self
            .moving_variance
            .mapv(|v| A::one() / (v + epsilon).sqrt());
        if let Some(gamma) = &self.gamma {
            scale *= gamma;
        }
        let mut offset = -(&self.moving_mean * &scale);
        if let Some(beta) = &self.beta {
            offset += beta;
        }
        (scale, offset)
    }
}

crate::describe::describe!(BatchNormalization<A>, "batch_normalization", {
    axis, epsilon, momentum = MOMENTUM; gamma: optional, beta: optional, moving_mean: array fixed, moving_variance: array fixed
} => {
    let norm = BatchNormalization::from_weights(gamma, beta, moving_mean, moving_variance)?;
    Ok(norm.axis(axis).epsilon(epsilon).momentum(momentum))
});

impl<A: Element> core::fmt::Debug for BatchNormalization<A> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::describe::debug::<A>(self, "BatchNormalization", f)
    }
}

impl<A: Element> AnyLayer<A> for BatchNormalization<A> {
    fn name(&self) -> &str {
        "batch_normalization"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        Ok(Tensor {
            values: self.normalised(input.values)?,
            mask: input.mask,
        })
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        inputs.to_vec()
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        match axes {
            [axes] if place_in_sample(self.axis, *axes) != Ok(1) => Stepwise::EachTimestep,
            _ => Stepwise::WholeSequence("it normalises along the timesteps"),
        }
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let axes = inputs.first().map_or(&[][..], |input| &input.axes);
        let axis = place_in_sample(self.axis, axes.len())?;
        let apart: usize = axes[axis + 1..].iter().product();
        let (scale, offset) = self.scale_and_offset();
        in_place(self, inputs, move |_, numbers| {
            for sample in numbers.chunks_exact_mut((apart * scale.len()).max(1)) {
                let lanes = sample.chunks_exact_mut(apart);
                for ((lane, &scale), &offset) in lanes.zip(&scale).zip(&offset) {
                    lane.iter_mut().for_each(|y| *y = *y * scale + offset);
                }
            }
        })
    }

    fn step_features(&self, _: usize) -> Option<Vec<usize>> {
        (self.axis == -1).then(|| vec![self.moving_mean.len()])
    }

    #[cfg(feature = "train")]
    fn record(&self, call: crate::model::RecordCall<A>) -> Result<crate::model::Called<A>> {
        self.record_call(call)
    }

    #[cfg(feature = "train")]
    fn moved(
        &self,
        tape: &crate::backward::Tape,
        phase: &crate::model::Phase,
        each: &mut crate::model::Moves<A>,
    ) {
        self.moved_by(tape, phase, each);
    }

    goes_back!();
    described!();
}
