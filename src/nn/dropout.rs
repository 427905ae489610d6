//! `Dropout` and other layers that add noise in a training, and do nothing outside of it.

use crate::Element;
use crate::error::{Error, Result};
use crate::model::{AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, in_place};
use alloc::vec::Vec;

/// Sets numbers to 0 at random in a training, each with probability `rate`, and multiplies the others with 1 / (1 - rate).
/// Outside of a training it returns its input. The mask of timesteps passes on. Source: Srivastava et al., "Dropout: A
/// Simple Way to Prevent Neural Networks from Overfitting" (2014); `keras.layers.Dropout`.
///
/// With [`noise_shape`](Self::noise_shape), numbers along an axis are dropped together.
///
/// ```
/// use ndarray::array;
/// use recurrent::{Dropout, Model};
/// let model = Model::<f32>::new().add(Dropout::new(0.5)?);
/// assert_eq!(model.forward(&array![[1.0, 2.0]])?, array![[1.0, 2.0]].into_dyn());
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Dropout {
    pub(super) rate: f64,
    pub(super) noise_shape: Option<Vec<Option<usize>>>,
}

/// Sets whole features to 0 at random in a training: (samples, timesteps, features) in and out, and a feature is dropped
/// at all timesteps of a sample or at none. Outside of a training it returns its input. Of images (samples, height, width,
/// channels) it drops whole channels, as `SpatialDropout2D` does. Source: Tompson et al., "Efficient Object Localization
/// Using Convolutional Networks" (2015); `keras.layers.SpatialDropout1D`.
///
/// ```
/// use recurrent::SpatialDropout1d;
/// let dropout = SpatialDropout1d::new(0.2)?;
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpatialDropout1d {
    pub(super) rate: f64,
}

/// Adds normal noise of mean 0 in a training. Outside of it, it returns its input. Source: `keras.layers.GaussianNoise`.
///
/// ```
/// use recurrent::GaussianNoise;
/// let noise = GaussianNoise::new(0.1)?;
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianNoise {
    pub(super) stddev: f64,
}

/// Multiplies with normal noise of mean 1 and variance rate / (1 - rate) in a training. Outside of it, it returns its
/// input. Source: Srivastava et al. (2014), section 10; `keras.layers.GaussianDropout`.
///
/// ```
/// use recurrent::GaussianDropout;
/// let dropout = GaussianDropout::new(0.2)?;
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianDropout {
    pub(super) rate: f64,
}

/// Sets numbers to the negative limit of [`Activation::Selu`](crate::Activation::Selu) at random in a training, each with
/// probability `rate`, and scales and shifts all, so that mean 0 and variance 1 stay. Outside of a training it returns its
/// input. Source: Klambauer et al., "Self-Normalizing Neural Networks" (2017); `keras.layers.AlphaDropout`.
///
/// ```
/// use recurrent::AlphaDropout;
/// let dropout = AlphaDropout::new(0.2)?;
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AlphaDropout {
    pub(super) rate: f64,
    pub(super) noise_shape: Option<Vec<Option<usize>>>,
}

/// A rate from 0 to 1; below 1 where the noise would be infinite at 1.
fn checked(rate: f64, with_one: bool) -> Result<f64> {
    if rate >= 0.0 && (rate < 1.0 || with_one && rate <= 1.0) {
        return Ok(rate);
    }
    let expected = if with_one {
        "a number from 0 to 1"
    } else {
        "a number from 0 to below 1"
    };
    Err(Error::value("rate", expected, rate))
}

impl Dropout {
    /// Makes a layer from the probability that a number is dropped.
    pub fn new(rate: f64) -> Result<Self> {
        let rate = checked(rate, true)?;
        let noise_shape = None;
        Ok(Dropout { rate, noise_shape })
    }

    /// Sets the shape of the mask of dropped numbers. `None` is the length of the input, and 1 drops all numbers along an
    /// axis together: `[None, Some(1), None]` drops features at all timesteps.
    pub fn noise_shape(mut self, shape: &[Option<usize>]) -> Self {
        self.noise_shape = Some(shape.into());
        self
    }
}

impl SpatialDropout1d {
    /// Makes a layer from the probability that a feature is dropped.
    pub fn new(rate: f64) -> Result<Self> {
        let rate = checked(rate, true)?;
        Ok(SpatialDropout1d { rate })
    }
}

impl GaussianNoise {
    /// Makes a layer from the standard deviation of the noise.
    pub fn new(stddev: f64) -> Result<Self> {
        if stddev >= 0.0 && stddev.is_finite() {
            return Ok(GaussianNoise { stddev });
        }
        let expected = "a finite number of at least 0";
        Err(Error::value("stddev", expected, stddev))
    }
}

impl GaussianDropout {
    /// Makes a layer from the rate.
    pub fn new(rate: f64) -> Result<Self> {
        let rate = checked(rate, false)?;
        Ok(GaussianDropout { rate })
    }
}

impl AlphaDropout {
    /// Makes a layer from the probability that a number is dropped.
    pub fn new(rate: f64) -> Result<Self> {
        let rate = checked(rate, false)?;
        let noise_shape = None;
        Ok(AlphaDropout { rate, noise_shape })
    }

    /// Sets the shape of the mask, as that of [`Dropout::noise_shape`].
    pub fn noise_shape(mut self, shape: &[Option<usize>]) -> Self {
        self.noise_shape = Some(shape.into());
        self
    }
}

crate::describe::describe!(Dropout, "dropout", { rate, noise_shape } => {
    Ok(Dropout { noise_shape, ..Dropout::new(rate)? })
});
crate::describe::describe!(SpatialDropout1d, "spatial_dropout1d", { rate } => SpatialDropout1d::new(rate));
crate::describe::describe!(GaussianNoise, "gaussian_noise", { stddev } => GaussianNoise::new(stddev));
crate::describe::describe!(GaussianDropout, "gaussian_dropout", { rate } => GaussianDropout::new(rate));
crate::describe::describe!(AlphaDropout, "alpha_dropout", { rate, noise_shape } => {
    Ok(AlphaDropout { noise_shape, ..AlphaDropout::new(rate)? })
});

/// Layers that do nothing outside of a training.
macro_rules! noise {
    ($($layer:ident, $name:literal);*) => {$(
        impl<A: Element> AnyLayer<A> for $layer {
            fn name(&self) -> &str {
                $name
            }

            fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
                Ok(input)
            }

            fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
                inputs.to_vec()
            }

            fn stepwise(&self, _: &[usize]) -> Stepwise {
                Stepwise::EachTimestep
            }

            fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
                in_place(self, inputs, |_, _| {})
            }

            #[cfg(feature = "train")]
            fn record(&self, call: crate::model::RecordCall<A>) -> Result<crate::model::Called<A>> {
                super::back::record_noise(self, call)
            }

            #[cfg(feature = "train")]
            fn backward(
                &self,
                call: crate::model::BackwardCall<A>,
            ) -> Result<Vec<Option<ndarray::ArrayD<A>>>> {
                super::back::noise_back(self, &call)
            }

            #[cfg(feature = "train")]
            fn has_backward(&self) -> bool {
                true
            }

            #[cfg(feature = "train")]
            fn drawn(
                &self,
                tape: &crate::backward::Tape,
                phase: &crate::model::Phase,
                each: &mut dyn FnMut(&str, ndarray::ArrayD<f64>),
            ) {
                super::back::drawn_noise(tape, phase, each);
            }

            described!();
        }
    )*};
}
noise!(
    Dropout, "dropout";
    SpatialDropout1d, "spatial_dropout1d";
    GaussianNoise, "gaussian_noise";
    GaussianDropout, "gaussian_dropout";
    AlphaDropout, "alpha_dropout"
);
