//! A batch normalisation in a training: with the statistics of the batch, of which each number is one.
//!
//! ```text
//! N = real timesteps of all samples (+ 1e-7 under a mask)
//! mean = Σ x / N           variance = Σ (x - mean)² / N            sums over the real ones
//! n = (x - mean) s         y = gamma n + beta                      s = 1 / √(variance + epsilon)
//! g = gamma dy             dvariance = - s³/2 Σ g (x - mean)       sums over all
//!                          dmean = - s Σ g - 2/N dvariance Σ (x - mean)
//! dx = s g + (2 dvariance (x - mean) + dmean) / N                  the second term for the real ones
//! dgamma = Σ dy n          dbeta = Σ dy
//! ```
//! A number that no gradient reaches is not read in these sums, nor is a masked one in the statistics.

use super::rows::{in_order, turned, turned_back};
use crate::backward::Tape;
use crate::error::{Error, Result, check};
use crate::model::{AnyLayer, BackwardCall, Called, Moves, Phase, RecordCall, Tensor};
use crate::nn::axis::place_in_sample;
use crate::{BatchNormalization, Element};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, ArrayD};

/// `keras.backend.epsilon()`
const KERAS_EPSILON: f64 = 1e-7;

/// The statistics of a batch; none where a call took the moving averages.
type Kept<A> = Option<Statistics<A>>;

struct Statistics<A> {
    mean: Array1<A>,
    variance: Array1<A>,
    /// The number of real numbers of each feature, as it divides the sums.
    count: Array1<A>,
}

/// The numbers of a tensor, a column for each feature.
struct Columns<A> {
    x: Array2<A>,
    /// Which of them are real; `None` without a mask.
    real: Option<Array2<bool>>,
    /// The rows in the order of sums.
    rows: Vec<usize>,
    order: Vec<usize>,
}

impl<A: Element> Columns<A> {
    fn is_real(&self, row: usize, column: usize) -> bool {
        self.real.as_ref().is_none_or(|real| real[[row, column]])
    }

    fn statistics(&self) -> Statistics<A> {
        let features = self.x.ncols();
        let [mut mean, mut variance, mut count] = [(); 3].map(|()| Array1::<A>::zeros(features));
        for feature in 0..features {
            let numbers = || {
                let real = self.rows.iter().filter(|&&row| self.is_real(row, feature));
                real.map(|&row| self.x[[row, feature]])
            };
            let masked = if self.real.is_some() {
                KERAS_EPSILON
            } else {
                0.0
            };
            let n = A::from_f64(numbers().count() as f64 + masked);
            let center = numbers().fold(A::zero(), |sum, x| sum + x) / n;
            let squares = numbers().fold(A::zero(), |sum, x| sum + (x - center) * (x - center));
            (count[feature], mean[feature], variance[feature]) = (n, center, squares / n);
        }
        Statistics {
            mean,
            variance,
            count,
        }
    }
}

impl<A: Element> BatchNormalization<A> {
    fn columns(&self, input: &Tensor<A>) -> Result<Columns<A>> {
        let shape = input.values.shape();
        let axis = place_in_sample(self.axis, shape.len())?;
        let features = self.moving_mean.len();
        check("input", "features", features, shape[axis])?;
        let mut order: Vec<usize> = (0..shape.len()).filter(|&other| other != axis).collect();
        order.push(axis);
        let real = match &input.mask {
            None => None,
            Some(mask) => {
                input.check_mask()?;
                let whole = mask.view().insert_axis(ndarray::Axis(2)).into_dyn();
                let whole = whole.broadcast(shape).ok_or(Error::Rank {
                    array: "input",
                    expected: "3 (samples, timesteps, features), since it is masked",
                    found: shape.len(),
                })?;
                Some(turned(whole, &order, features))
            }
        };
        let lens: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
        Ok(Columns {
            x: turned(input.values.view(), &order, features),
            real,
            rows: in_order(&lens),
            order,
        })
    }

    fn inverse(&self, variance: &Array1<A>) -> Array1<A> {
        let epsilon = A::from_f64(self.epsilon);
        variance.mapv(|variance| A::one() / (variance + epsilon).sqrt())
    }

    pub(in crate::nn) fn record_call(&self, call: RecordCall<A>) -> Result<Called<A>> {
        let kept: &mut Kept<A> = call.tape.renew();
        *kept = None;
        let [input] = call.inputs else {
            return self.call(call.inputs.to_vec(), None);
        };
        if !call.phase.training() || call.phase.is_frozen(self) {
            return self.call(vec![input.clone()], None);
        }
        let columns = self.columns(input)?;
        if columns.rows.is_empty() {
            let expected = "at least one sample and timestep, for the statistics of a batch";
            let found = format!("{:?}", input.values.shape());
            return Err(Error::value("shape of the input", expected, found));
        }
        let statistics = columns.statistics();
        let mut scale = self.inverse(&statistics.variance);
        if let Some(gamma) = &self.gamma {
            scale *= gamma;
        }
        let mut y = columns.x - &statistics.mean;
        y *= &scale;
        if let Some(beta) = &self.beta {
            y += beta;
        }
        *kept = Some(statistics);
        let values = turned_back(y, &columns.order, input.values.shape());
        let mask = input.mask.clone();
        Ok((vec![Tensor { values, mask }], None))
    }

    pub(in crate::nn) fn back_over(
        &self,
        mut call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let Some(d) = &call.upstream[0] else {
            return Ok(vec![None]);
        };
        let columns = self.columns(&call.inputs[0])?;
        let batch: &Kept<A> = call.tape.get()?;
        let (mean, variance) = match batch {
            Some(batch) => (&batch.mean, &batch.variance),
            None => (&self.moving_mean, &self.moving_variance),
        };
        let inverse = self.inverse(variance);
        let features = mean.len();
        let d = turned(d.view(), &columns.order, features);
        let mut dx = Array2::zeros(d.dim());
        let [mut of_gamma, mut of_beta] = [(); 2].map(|()| Array1::zeros(features));
        for feature in 0..features {
            let (mean, s) = (mean[feature], inverse[feature]);
            let gamma = self
                .gamma
                .as_ref()
                .map_or_else(A::one, |gamma| gamma[feature]);
            let zero = A::zero();
            // Σ dy and Σ dy (x - mean)
            let (mut sum, mut product) = (zero, zero);
            for &row in &columns.rows {
                let d = d[[row, feature]];
                if d != zero {
                    sum += d;
                    product += d * (columns.x[[row, feature]] - mean);
                    dx[[row, feature]] = s * (gamma * d);
                }
            }
            of_beta[feature] = sum;
            of_gamma[feature] = product * s;
            let Some(batch) = batch else { continue };
            let (half, two) = (A::from_f64(0.5), A::from_f64(2.0));
            let real = || {
                let rows = columns.rows.iter();
                rows.filter(|&&row| columns.is_real(row, feature))
            };
            let count = batch.count[feature];
            let of_variance = -half * s * s * s * (gamma * product);
            let apart = real().fold(zero, |all, &row| all + (columns.x[[row, feature]] - mean));
            let of_mean = -s * (gamma * sum) - two * of_variance * apart / count;
            for &row in real() {
                let x = columns.x[[row, feature]];
                dx[[row, feature]] += (two * of_variance * (x - mean) + of_mean) / count;
            }
        }
        for (name, sums) in [("gamma", of_gamma), ("beta", of_beta)] {
            if let Some(gradient) = call.weights.array(name) {
                *gradient += &sums;
            }
        }
        let shape = call.inputs[0].values.shape();
        Ok(vec![Some(turned_back(dx, &columns.order, shape))])
    }

    pub(in crate::nn) fn moved_by(&self, tape: &Tape, phase: &Phase, each: &mut Moves<A>) {
        let Ok(Some(batch)) = tape.get::<Kept<A>>() else {
            return;
        };
        let keep = A::from_f64(self.momentum);
        let take = A::from_f64(1.0 - self.momentum);
        for (name, new) in [
            ("moving_mean", &batch.mean),
            ("moving_variance", &batch.variance),
        ] {
            each(phase.inside(name).path(), &|array: &mut ArrayD<A>| {
                array.zip_mut_with(new, |old, &new| *old = *old * keep + new * take);
            });
        }
    }
}

#[cfg(test)]
mod tests;
