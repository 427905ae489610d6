//! Reductions backwards. Of several numbers that are the maximum or the minimum, each gets the same share.

use crate::Element;
use crate::error::Result;
use crate::nn::back::rows::{turned, turned_back};
use crate::nn::op::{Along, Reduce};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayD, ArrayView1};

impl Reduce {
    pub(super) fn back_over<A: Element>(
        &self,
        x: &ArrayD<A>,
        d: &ArrayD<A>,
    ) -> Result<Option<ArrayD<A>>> {
        let flat = [Along::All, Along::Any, Along::ArgMax, Along::ArgMin];
        if flat.contains(&self.of) {
            return Ok(None);
        }
        let mut places = self.places(x.ndim())?;
        places.reverse();
        let mut order: Vec<usize> = (0..x.ndim()).filter(|at| !places.contains(at)).collect();
        order.extend(&places);
        let width = places.iter().map(|&at| x.shape()[at]).product();
        let rows = turned(x.view(), &order, width);
        let mut dx = Array2::zeros(rows.dim());
        // Whether axes are kept or not, there is a number for each row, in their order.
        for ((mut dx, x), &d) in dx.rows_mut().into_iter().zip(rows.rows()).zip(d) {
            // Where no gradient is, nothing is read.
            if d != A::zero() {
                let of = self.of.back(x, d);
                dx.iter_mut().zip(of).for_each(|(dx, of)| *dx = of);
            }
        }
        Ok(Some(turned_back(dx, &order, x.shape())))
    }
}

impl Along {
    /// The gradients of the numbers `x` from that of what was made of them.
    fn back<A: Element>(self, x: ArrayView1<A>, d: A) -> Vec<A> {
        let count = |count: usize| A::from_f64(count as f64);
        match self {
            Along::All | Along::Any | Along::ArgMax | Along::ArgMin => vec![A::zero(); x.len()],
            Along::Sum => vec![d; x.len()],
            Along::Mean => vec![d / count(x.len()); x.len()],
            Along::Max | Along::Min => {
                let is_better = |x: A, most: A| match self {
                    Along::Max => x > most,
                    _ => x < most,
                };
                let mut most = x[0];
                for &x in x {
                    if is_better(x, most) || x.is_nan() {
                        most = x;
                    }
                }
                let alike = x.iter().filter(|&&x| x == most).count();
                let share = d / count(alike);
                let of = |&x: &A| if x == most { share } else { A::zero() };
                x.iter().map(of).collect()
            }
            Along::LogSumExp => {
                let most = x.iter().fold(A::neg_infinity(), |y, &x| y.max(x));
                let of: Vec<A> = x.iter().map(|&x| (x - most).libm_exp()).collect();
                let sum = of.iter().fold(A::zero(), |sum, &of| sum + of);
                of.iter().map(|&of| d * of / sum).collect()
            }
            Along::Var | Along::Std => {
                let n = count(x.len());
                let mean = x.iter().fold(A::zero(), |sum, &x| sum + x) / n;
                let squares = x
                    .iter()
                    .fold(A::zero(), |sum, &x| sum + (x - mean) * (x - mean));
                let scale = match self {
                    Along::Var => d * A::from_f64(2.0) / n,
                    // Equal numbers have a kink there.
                    _ if squares == A::zero() => A::zero(),
                    _ => d / (n * (squares / n).sqrt()),
                };
                x.iter().map(|&x| scale * (x - mean)).collect()
            }
            // The product of all others, so that a 0 among them is no matter.
            Along::Prod => {
                let mut of = vec![d; x.len()];
                let mut before = A::one();
                for (of, &x) in of.iter_mut().zip(x) {
                    *of *= before;
                    before *= x;
                }
                let mut after = A::one();
                for (of, &x) in of.iter_mut().zip(x).rev() {
                    *of *= after;
                    after *= x;
                }
                of
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // exact numbers are what is asked for
mod tests {
    use super::Along;

    /// Ties share, and a product knows its zeros.
    #[test]
    fn ties_and_zeros() {
        let of = |along: Along, x: [f64; 4]| along.back(ndarray::ArrayView1::from(&x), 6.0);
        assert_eq!(of(Along::Max, [2.0, 5.0, 5.0, 1.0]), [0.0, 3.0, 3.0, 0.0]);
        assert_eq!(of(Along::Min, [2.0, 5.0, 5.0, 1.0]), [0.0, 0.0, 0.0, 6.0]);
        assert_eq!(of(Along::Min, [2.0, 2.0, 2.0, 3.0]), [2.0, 2.0, 2.0, 0.0]);
        assert_eq!(of(Along::Prod, [2.0, 0.0, 5.0, 1.0]), [0.0, 60.0, 0.0, 0.0]);
        assert_eq!(
            of(Along::Prod, [2.0, 3.0, 5.0, 1.0]),
            [90.0, 60.0, 36.0, 180.0]
        );
    }
}
