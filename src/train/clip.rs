//! `Clip`: bounds of gradients.

use super::check::positive;
use crate::Element;
use crate::error::{Error, Result};
use crate::gradients::{Gradients, sum_of_squares};
use alloc::vec::Vec;
use ndarray::ArrayD;

/// What gradients are clipped to before an update. A norm is √(Σ g²).
///
/// Norms are summed in `f64`, over the arrays in their order and each in row-major order, whatever the type of the gradients.
///
/// ```
/// use ndarray::arr1;
/// use recurrent::train::{Clip, Gradients};
/// let mut gradients = Gradients::from_arrays(vec![("bias".into(), arr1(&[3.0, 4.0]).into_dyn())]);
/// Clip::Norm(1.0).apply(&mut gradients)?;
/// assert_eq!(gradients.get("bias").unwrap()[1], 0.8);
/// Clip::Value(0.7).apply(&mut gradients)?;
/// assert_eq!(gradients.get("bias").unwrap()[1], 0.7);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Clip {
    /// Each number to -limit..=limit. Source: `clipvalue` of `keras.optimizers.Optimizer`, and
    /// `torch.nn.utils.clip_grad_value_`.
    Value(f64),
    /// Each array to a norm: g · limit / max(norm of the array, limit). Source: `clipnorm` of `keras.optimizers.Optimizer`.
    Norm(f64),
    /// All arrays to one norm: g · min(limit / norm of all, 1). Source: `global_clipnorm` of `keras.optimizers.Optimizer`.
    GlobalNorm(f64),
    /// All arrays to one norm: g · min(limit / (norm of all + 10⁻⁶), 1). Source: `torch.nn.utils.clip_grad_norm_`.
    TorchNorm(f64),
}

impl Clip {
    /// Clips gradients. Returns an error, and has changed nothing, if the limit is not a finite number above 0, or the norm is
    /// not finite.
    pub fn apply<A: Element>(self, gradients: &mut Gradients<A>) -> Result<()> {
        self.check()?;
        self.apply_to(gradients.iter_mut().map(|(_, array)| array).collect())
    }

    pub(crate) fn check(self) -> Result<()> {
        match self {
            Clip::Value(limit) => positive("clipvalue", limit),
            Clip::Norm(limit) => positive("clipnorm", limit),
            Clip::GlobalNorm(limit) => positive("global_clipnorm", limit),
            Clip::TorchNorm(limit) => positive("max_norm", limit),
        }
    }

    /// Clips arrays, which are all or none changed.
    pub(crate) fn apply_to<A: Element>(self, arrays: Vec<&mut ArrayD<A>>) -> Result<()> {
        let each = arrays.iter().map(|array| sum_of_squares(array));
        let factors: Vec<f64> = match self {
            Clip::Value(limit) => {
                let (low, high) = (A::from_f64(-limit), A::from_f64(limit));
                for array in arrays {
                    array.mapv_inplace(|g| g.max(low).min(high));
                }
                return Ok(());
            }
            Clip::Norm(limit) => each
                .map(|squares| Ok(limit / norm(squares)?.max(limit)))
                .collect::<Result<_>>()?,
            Clip::GlobalNorm(limit) => {
                let factor = (limit / norm(each.fold(0.0, add))?).min(1.0);
                arrays.iter().map(|_| factor).collect()
            }
            Clip::TorchNorm(limit) => {
                let factor = (limit / (norm(each.fold(0.0, add))? + 1e-6)).min(1.0);
                arrays.iter().map(|_| factor).collect()
            }
        };
        for (array, factor) in arrays.into_iter().zip(factors) {
            if factor < 1.0 {
                let factor = A::from_f64(factor);
                array.mapv_inplace(|g| g * factor);
            }
        }
        Ok(())
    }
}

/// Adds in the order of the arrays, from +0 (`sum` starts at -0, by which the limit must not be divided).
fn add(sum: f64, squares: f64) -> f64 {
    sum + squares
}

/// The norm of numbers whose squares have this sum.
fn norm(squares: f64) -> Result<f64> {
    let norm = libm::sqrt(squares);
    if norm.is_finite() {
        return Ok(norm);
    }
    Err(Error::value("norm of the gradients", "a finite one", norm))
}
