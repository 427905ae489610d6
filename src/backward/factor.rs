//! `Factor`: a matrix that many rows are multiplied with.

use crate::Element;
use crate::kernel::{Isa, Panels};
use alloc::vec::Vec;
use ndarray::{ArrayBase, ArrayD, ArrayView2, ArrayViewMut2, Axis, Data, Ix2};

/// A matrix, packed for products.
pub struct Factor<A>(Panels<A>);

impl<A: Element> Factor<A> {
    pub fn new<S: Data<Elem = A>>(matrix: &ArrayBase<S, Ix2>, isa: Isa) -> Self {
        // Each column is a unit of one gate.
        Factor(Panels::pack(
            matrix.view(),
            1,
            isa.for_units::<A>(matrix.ncols()),
        ))
    }

    /// `z += x · matrix`. Each sum goes on from the number in `z`, over ascending rows of the matrix.
    pub fn add(&self, x: ArrayView2<A>, z: &mut ArrayViewMut2<A>) {
        let len = self.0.len();
        let mut sums: Vec<A> = Vec::with_capacity(x.nrows() * len);
        for row in z.rows() {
            sums.extend(row.iter());
            sums.resize(sums.len() + len - row.len(), A::zero());
        }
        self.0.add_product(x, &mut sums);
        for (mut row, sums) in z.rows_mut().into_iter().zip(sums.chunks(len.max(1))) {
            row.iter_mut().zip(sums).for_each(|(z, &sum)| *z = sum);
        }
    }
}

/// `gradient += Σ left[row]ᵀ · right[row]` over ascending rows, if the gradient is wanted. `columns` starts those of
/// `right` in it.
pub fn add_outer<A: Element>(
    gradient: Option<&mut ArrayD<A>>,
    left: ArrayView2<A>,
    right: ArrayView2<A>,
    first: usize,
    isa: Isa,
) {
    let Some(gradient) = gradient else { return };
    let Ok(gradient) = gradient.view_mut().into_dimensionality::<Ix2>() else {
        return;
    };
    add_outer_to(gradient, left, right, first, isa);
}

/// The same for a gradient with two axes.
pub fn add_outer_to<A: Element>(
    gradient: ArrayViewMut2<A>,
    left: ArrayView2<A>,
    right: ArrayView2<A>,
    first: usize,
    isa: Isa,
) {
    let (_, from) = gradient.split_at(Axis(1), first);
    let (mut columns, _) = from.split_at(Axis(1), right.ncols());
    if left.nrows() > 0 {
        Factor::new(&right, isa).add(left.t(), &mut columns);
    }
}

/// `gradient += Σ rows` over ascending rows, if the gradient is wanted.
pub fn add_vector<A: Element>(gradient: Option<&mut ArrayD<A>>, rows: ArrayView2<A>) {
    if let Some(gradient) = gradient {
        for row in rows.rows() {
            *gradient += &row;
        }
    }
}
