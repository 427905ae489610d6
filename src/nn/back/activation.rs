//! An activation backwards.

use super::rows::{is_reached, matrix};
use crate::error::Result;
use crate::model::BackwardCall;
use crate::model::Scores;
use crate::{Activation, Element, Softmax};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::ArrayD;

impl<A: Element> Scores<A> for Activation {
    fn of(&self, x: &ArrayD<A>) -> Result<ArrayD<A>> {
        Ok(x.clone())
    }
}

impl<A: Element> Scores<A> for Softmax {
    fn of(&self, x: &ArrayD<A>) -> Result<ArrayD<A>> {
        Ok(x.clone())
    }
}

impl Activation {
    #[allow(clippy::unnecessary_wraps)] // the form of all layers
    pub(in crate::nn) fn back_over<A: Element>(
        self,
        call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let (x, y) = (&call.inputs[0].values, &call.outputs[0].values);
        let d = call.upstream[0].as_ref();
        if call.of_sums {
            return Ok(vec![d.cloned()]);
        }
        let d = d.map(|d| self.of_arguments(&matrix(x), &matrix(y), d));
        Ok(vec![d])
    }

    /// The gradients of the arguments `x` from those of the outputs `y`, row by row of the last axis.
    fn of_arguments<A: Element>(
        self,
        x: &ndarray::Array2<A>,
        y: &ndarray::Array2<A>,
        d: &ArrayD<A>,
    ) -> ArrayD<A> {
        let mut rows = matrix(d);
        for ((mut d, x), y) in rows.rows_mut().into_iter().zip(x.rows()).zip(y.rows()) {
            if !is_reached(d.view()) {
                continue;
            }
            if let (Some(d), Some(x), Some(y)) = (d.as_slice_mut(), x.as_slice(), y.as_slice()) {
                self.back(x, y, d);
            }
        }
        let numbers = rows.into_iter().collect();
        ArrayD::from_shape_vec(d.shape(), numbers).unwrap_or_default()
    }
}
