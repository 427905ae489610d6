//! An embedding backwards: the gradient of a row of the table is the sum over the places where its token stands.

use super::rows::{in_order, is_reached, matrix};
use crate::error::Result;
use crate::model::BackwardCall;
use crate::{Element, Embedding};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis};

impl<A: Element> Embedding<A> {
    /// Token ids have no gradient.
    pub(in crate::nn) fn back_over(
        &self,
        mut call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let (ids, upstream) = (&call.inputs[0].values, &call.upstream[0]);
        if let (Some(d), Some(table)) = (upstream, call.weights.array("embeddings")) {
            let ids: Vec<A> = ids.iter().copied().collect();
            let rows = matrix(d);
            for row in in_order(d.shape()) {
                if is_reached(rows.row(row)) {
                    let mut sum = table.index_axis_mut(Axis(0), self.id(ids[row])?);
                    sum += &rows.row(row);
                }
            }
        }
        Ok(vec![None])
    }
}
