//! The order in which the rows of a tensor add to the gradients of weights.

use crate::backward::{Factor, add_outer_to, add_vector};
use crate::error::Result;
use crate::gradients::LayerGradients;
use crate::model::BackwardCall;
use crate::{Dense, Element};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayD, ArrayView1, ArrayView2, ArrayViewD};

/// The rows of the last axis of a tensor, as a matrix (rows, numbers) in row-major order.
pub fn matrix<A: Element>(tensor: &ArrayD<A>) -> Array2<A> {
    let (rows, width) = match tensor.shape() {
        [rows @ .., width] => (rows.iter().product(), *width),
        [] => (1, 1),
    };
    let numbers = match tensor.as_slice() {
        Some(numbers) => numbers.to_vec(), // one by one takes ten times as long
        None => tensor.iter().copied().collect(),
    };
    Array2::from_shape_vec((rows, width), numbers).unwrap_or_default()
}

/// The rows of a tensor of this shape, the last timestep first, then ascending samples: the order of recurrent layers. Axis
/// 1 is the timesteps if there are three axes or more.
pub fn in_order(shape: &[usize]) -> Vec<usize> {
    let [samples, timesteps, inner @ .., _] = shape else {
        return (0..shape[..shape.len().saturating_sub(1)].iter().product()).collect();
    };
    let inner: usize = inner.iter().product();
    let rows = (0..*timesteps).rev().flat_map(|t| {
        (0..*samples).flat_map(move |sample| {
            let first = (sample * timesteps + t) * inner;
            first..first + inner
        })
    });
    rows.collect()
}

/// Whether a gradient reaches a row. A row that it does not reach is not read, so that NaN in padding stays where it is.
pub fn is_reached<A: Element>(d: ArrayView1<A>) -> bool {
    d.iter().any(|&d| d != A::zero())
}

/// Goes back over `z = x @ kernel + bias` for the rows of these numbers, which `x` and `dz` have: adds the gradients of the
/// weights, and returns that of all `count` rows, which is 0 for the others.
pub fn affine_back<A: Element>(
    dense: &Dense<A>,
    (order, count): (&[usize], usize),
    x: ArrayView2<A>,
    dz: ArrayView2<A>,
    weights: &mut LayerGradients<A>,
) -> Result<Array2<A>> {
    if let Some(gradient) = weights.array("kernel") {
        let matrix = (dense.features(), dense.units());
        let gradient = gradient.view_mut().into_shape_with_order(matrix)?;
        add_outer_to(gradient, x, dz, 0, dense.isa());
    }
    add_vector(weights.array("bias"), dz);
    let mut of_rows = Array2::zeros(x.dim());
    Factor::new(&dense.kernel().t(), dense.isa()).add(dz, &mut of_rows.view_mut());
    let mut dx = Array2::zeros((count, dense.features()));
    for (&row, d) in order.iter().zip(of_rows.rows()) {
        dx.row_mut(row).assign(&d);
    }
    Ok(dx)
}

/// The gradient of the only input, computed from that of the only output unless this is zero.
pub fn of_one<A: Element>(
    call: &BackwardCall<A>,
    back: impl FnOnce(&ArrayD<A>) -> Result<ArrayD<A>>,
) -> Result<Vec<Option<ArrayD<A>>>> {
    let d = call.upstream.first().and_then(Option::as_ref);
    Ok(vec![d.map(back).transpose()?])
}

/// The numbers of a tensor whose axes are in this order, as rows of this width.
pub fn turned<T: Copy + Default>(
    tensor: ArrayViewD<T>,
    order: &[usize],
    width: usize,
) -> Array2<T> {
    let turned = tensor.permuted_axes(order);
    let numbers: Vec<T> = turned.iter().copied().collect();
    let rows = numbers.len() / width.max(1);
    Array2::from_shape_vec((rows, width), numbers).unwrap_or_default()
}

/// The tensor of this shape whose numbers were [`turned`] into these rows.
pub fn turned_back<A: Element>(rows: Array2<A>, order: &[usize], shape: &[usize]) -> ArrayD<A> {
    let lens: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
    let numbers: Vec<A> = rows.into_iter().collect();
    let turned = ArrayD::from_shape_vec(lens, numbers).unwrap_or_default();
    let mut back = vec![0; order.len()];
    for (from, &to) in order.iter().enumerate() {
        back[to] = from;
    }
    if turned.ndim() != back.len() {
        return turned;
    }
    let tensor = turned.permuted_axes(back.as_slice());
    tensor.as_standard_layout().into_owned()
}

/// The numbers of a tensor that a layer takes together, along some of its axes, as rows.
pub struct Along {
    shape: Vec<usize>,
    /// The axes of the tensor, those that are taken together last.
    order: Vec<usize>,
    /// The lengths of the other axes, and the length of a row.
    lens: Vec<usize>,
    width: usize,
}

impl Along {
    /// `axes` are in ascending order.
    pub fn new(axes: &[usize], shape: &[usize]) -> Self {
        let mut order: Vec<usize> = (0..shape.len())
            .filter(|axis| !axes.contains(axis))
            .collect();
        let mut lens: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
        let width = axes.iter().map(|&axis| shape[axis]).product();
        lens.push(width);
        order.extend(axes);
        Along {
            shape: shape.to_vec(),
            order,
            lens,
            width,
        }
    }

    /// The length of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    pub fn rows<T: Copy + Default>(&self, tensor: ArrayViewD<T>) -> Array2<T> {
        turned(tensor, &self.order, self.width)
    }

    /// The tensor of these rows.
    pub fn tensor<A: Element>(&self, rows: Array2<A>) -> ArrayD<A> {
        turned_back(rows, &self.order, &self.shape)
    }

    /// The rows that a gradient reaches, in the order of [`in_order`].
    pub fn reached<A: Element>(&self, d: &Array2<A>) -> Vec<usize> {
        let mut order = in_order(&self.lens);
        order.retain(|&row| is_reached(d.row(row)));
        order
    }
}

/// Adds sums to a gradient, if it is wanted. It has as many numbers.
pub fn add_sums<A: Element>(gradient: Option<&mut ArrayD<A>>, sums: &[A]) {
    if let Some(gradient) = gradient {
        let pairs = gradient.iter_mut().zip(sums);
        pairs.for_each(|(to, &sum)| *to += sum);
    }
}
