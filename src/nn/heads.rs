//! `Projected`: an input of a multi-head attention, split into heads. `Masks`: what hides values from queries.

use super::projection::Projection;
use crate::Element;
use crate::error::{Error, Result, check, check_size};
use crate::model::Tensor;
use alloc::vec::Vec;
use ndarray::{Array2, Array4, ArrayView4, ArrayViewD, Axis, IxDyn};

/// A projected input.
pub(super) struct Projected<A> {
    /// (groups, timesteps, heads, numbers in a head).
    pub numbers: Array4<A>,
    /// The axes before the features: first the groups, then those that are attended over.
    pub order: Vec<usize>,
}

pub(super) fn projected<A: Element>(
    array: &'static str,
    x: &ArrayViewD<A>,
    projection: &Projection<A>,
    places: &[usize],
) -> Result<Projected<A>> {
    let last = x.ndim() - 1;
    let features = x.shape()[last];
    check(array, "features", projection.from()[0], features)?;
    let mut order: Vec<usize> = (0..last).filter(|at| !places.contains(at)).collect();
    let groups: Vec<usize> = order.iter().map(|&at| x.shape()[at]).collect();
    let inner: Vec<usize> = places.iter().map(|&at| x.shape()[at]).collect();
    check_size(array, &groups)?;
    check_size(array, &inner)?;
    let (groups, timesteps): (usize, usize) = (groups.iter().product(), inner.iter().product());
    check_size(array, &[groups, timesteps, features])?;
    check_size(
        array,
        &[groups, timesteps, projection.to()[0], projection.to()[1]],
    )?;
    order.extend(places);
    let turned: Vec<usize> = order.iter().copied().chain([last]).collect();
    let turned = x.view().permuted_axes(IxDyn(&turned));
    let turned = turned.as_standard_layout();
    let rows = turned.to_shape((groups * timesteps, features))?;
    let projected = projection.forward(&rows.view())?;
    let shape = (groups, timesteps, projection.to()[0], projection.to()[1]);
    Ok(Projected {
        numbers: projected.into_shape_with_order(shape)?,
        order,
    })
}

/// What hides values from queries.
pub(super) struct Masks<'m, A> {
    pub query: Option<&'m Array2<bool>>,
    /// Those of the value and the key.
    pub values: [Option<&'m Array2<bool>>; 2],
    /// (samples, heads, queries, timesteps), where an axis of length 1 stands for all of them.
    pub attention: Option<ArrayView4<'m, A>>,
}

impl<A> Default for Masks<'_, A> {
    fn default() -> Self {
        Masks {
            query: None,
            values: [None, None],
            attention: None,
        }
    }
}

impl<A: Element> Masks<'_, A> {
    pub fn is_any(&self) -> bool {
        let all = self.values.iter().chain([&self.query]);
        self.attention.is_some() || all.into_iter().any(Option::is_some)
    }

    pub fn allow(&self, [sample, head, i, j]: [usize; 4]) -> bool {
        let real = |mask: Option<&Array2<bool>>, t: usize| mask.is_none_or(|m| m[[sample, t]]);
        let attention = self.attention.as_ref().is_none_or(|mask| {
            let mut at = [sample, head, i, j];
            for (at, &len) in at.iter_mut().zip(mask.shape()) {
                *at = if len == 1 { 0 } else { *at };
            }
            mask[at] != A::zero()
        });
        let values = self.values.iter().all(|&mask| real(mask, j));
        attention && real(self.query, i) && values
    }
}

/// A view (samples, heads, queries, timesteps) of an attention mask. Returns an error unless it fits these lengths.
pub(super) fn four<A: Element>(mask: &Tensor<A>, lens: [usize; 4]) -> Result<ArrayView4<'_, A>> {
    let expected = "3 (samples, queries, timesteps) or 4 (samples, heads, queries, timesteps)";
    let view = match mask.values.ndim() {
        3 => mask.values.view().insert_axis(Axis(1)),
        _ => mask.values.view(),
    };
    let view = view.into_dimensionality().map_err(|_| Error::Rank {
        array: "attention mask",
        expected,
        found: mask.values.ndim(),
    })?;
    let axes = ["samples", "heads", "queries", "timesteps"];
    for ((axis, len), &found) in axes.into_iter().zip(lens).zip(ArrayView4::shape(&view)) {
        if found != 1 || axis == "samples" {
            check("attention mask", axis, len, found)?;
        }
    }
    Ok(view)
}
