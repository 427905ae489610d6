//! `Factor`: a matrix that many rows are multiplied with.

use crate::Element;
use crate::kernel::{AddProduct, Isa, Panels};
use ndarray::{Array2, ArrayBase, ArrayD, ArrayView2, ArrayViewMut2, Axis, Data, Ix2};

/// A matrix, packed for products.
pub struct Factor<A>(Panels<A>);

impl<A: Element> Factor<A> {
    pub fn new<S: Data<Elem = A>>(matrix: &ArrayBase<S, Ix2>, isa: Isa) -> Self {
        let isa = isa.for_units::<A>(matrix.ncols());
        Factor(Panels::pack_for_many(matrix.view(), isa))
    }

    /// `z += x · matrix`. Each sum goes on from the number in `z`, over ascending rows of the matrix.
    pub fn add(&self, x: ArrayView2<A>, z: &mut ArrayViewMut2<A>) {
        if z.is_empty() {
            return;
        }
        if z.ncols() == 1 || z.strides()[1] == 1 {
            A::add_product(AddProduct::new(&self.0, x, z.view_mut()));
            return;
        }
        let mut sums = Array2::zeros(z.dim());
        sums.assign(z);
        A::add_product(AddProduct::new(&self.0, x, sums.view_mut()));
        z.assign(&sums);
    }
}

/// `gradient += Σ left[row]ᵀ · right[row]` over ascending rows, if the gradient is wanted. `first` is the column of the
/// gradient that belongs to the first one of `right`.
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

/// [`add_outer`] for a gradient with two axes.
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
