//! `Gated`: the kernel of a cell, whose inputs may have a mask for each gate.

use super::dropout::drop_by;
use super::factor::{Factor, add_outer};
use crate::Element;
use crate::kernel::Isa;
use alloc::borrow::Cow;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayD, ArrayView2, ArrayViewMut2, Axis, Slice};

/// A matrix whose columns belong to gates, and the transposes of its parts. It is in one part if all gates read the same
/// input.
pub struct Gated<A> {
    parts: Vec<Part<A>>,
    isa: Isa,
}

struct Part<A> {
    columns: Slice,
    /// The matrix itself, if it is needed.
    factor: Option<Factor<A>>,
    transposed: Factor<A>,
}

impl<A: Element> Gated<A> {
    /// Packs a matrix whose columns belong to `gates` gates, in one part or in a part for each gate. [`add`](Self::add) needs
    /// what `forward` packs.
    pub fn new(matrix: &ArrayView2<A>, gates: usize, apart: bool, forward: bool, isa: Isa) -> Self {
        let count = if apart { gates } else { 1 };
        let columns = matrix.ncols() / count.max(1);
        let parts = (0..count).map(|part| {
            let columns = Slice::from(part * columns..(part + 1) * columns);
            let matrix = matrix.slice_axis(Axis(1), columns);
            Part {
                columns,
                factor: forward.then(|| Factor::new(&matrix, isa)),
                transposed: Factor::new(&matrix.t(), isa),
            }
        });
        Gated {
            parts: parts.collect(),
            isa,
        }
    }

    /// `z += (x * mask) @ matrix`, with the mask of each gate.
    pub fn add(&self, x: &Array2<A>, masks: &[Array2<A>], z: &mut ArrayViewMut2<A>) {
        for (at, part) in self.parts.iter().enumerate() {
            let mut z = z.slice_axis_mut(Axis(1), part.columns);
            let factor = part.factor.as_ref().expect("packed for `forward`");
            factor.add(masked(x, masks, at).view(), &mut z);
        }
    }

    /// `dx += (dz @ matrixᵀ) * mask`, summed over the gates.
    pub fn add_back(&self, dz: ArrayView2<A>, masks: &[Array2<A>], dx: &mut Array2<A>) {
        for (at, part) in self.parts.iter().enumerate() {
            let dz = dz.slice_axis(Axis(1), part.columns);
            let Some(mask) = mask_of(masks, at) else {
                part.transposed.add(dz, &mut dx.view_mut());
                continue;
            };
            let mut d = Array2::zeros(dx.dim());
            part.transposed.add(dz, &mut d.view_mut());
            drop_by(&mut d, mask);
            *dx += &d;
        }
    }

    /// `gradient += Σ (x * mask)ᵀ dz` over ascending rows, in the columns from `first`, if the gradient is wanted.
    pub fn add_outer(
        &self,
        mut gradient: Option<&mut ArrayD<A>>,
        first: usize,
        x: &Array2<A>,
        masks: &[Array2<A>],
        dz: ArrayView2<A>,
    ) {
        for (at, part) in self.parts.iter().enumerate() {
            let dz = dz.slice_axis(Axis(1), part.columns);
            let from = first + usize::try_from(part.columns.start).unwrap_or(0);
            let x = masked(x, masks, at);
            add_outer(gradient.as_deref_mut(), x.view(), dz, from, self.isa);
        }
    }
}

/// The mask of a part: there is none, one for all, or one for each.
fn mask_of<A>(masks: &[Array2<A>], part: usize) -> Option<&Array2<A>> {
    masks.get(part).or(masks.first())
}

fn masked<'x, A: Element>(
    x: &'x Array2<A>,
    masks: &[Array2<A>],
    part: usize,
) -> Cow<'x, Array2<A>> {
    let Some(mask) = mask_of(masks, part) else {
        return Cow::Borrowed(x);
    };
    let mut x = x.clone();
    drop_by(&mut x, mask);
    Cow::Owned(x)
}
