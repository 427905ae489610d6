//! `Dot`: the products of the vectors of two inputs.

use super::attend::product;
use super::axis::place_in_sample;
use crate::Element;
use crate::error::{Error, Result, check, check_size, wrong_inputs};
use crate::model::{AnyLayer, Shape, Stepwise, Tensor, described, goes_back};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayD, ArrayViewD, Axis, IxDyn};

/// The products of all vectors along an axis of one input and all vectors along an axis of another, sample by sample:
///
/// ```text
/// y[i, j] = Σa first[i, a] · second[a, j]            i, j: all other axes
/// ```
/// | array | shape |
/// | --- | --- |
/// | first input | (samples, …), with `n` numbers along its axis |
/// | second input | (samples, …), with `n` numbers along its axis |
/// | output | (samples, the other axes of the first, those of the second), or (samples, 1) where there are none |
///
/// With [`normalize`](Self::normalize) each vector is divided by its length first: the products are cosines. The output
/// has no mask, and masks change nothing, as in Keras. Source: `keras.layers.Dot`.
///
/// ```
/// use ndarray::array;
/// use recurrent::{AnyLayer, Dot, Tensor};
/// let (x, y) = (array![[1.0, 2.0]], array![[10.0, 20.0]]);
/// let z = Dot::new(-1).forward_all(vec![Tensor::new(&x), Tensor::new(&y)])?;
/// assert_eq!(z[0].values, array![[50.0]].into_dyn());
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dot {
    pub(super) axes: [isize; 2],
    pub(super) normalize: bool,
}

/// The length below which vectors are not stretched to 1: Keras' epsilon.
const SHORTEST: f64 = 1e-7;

impl Dot {
    /// Sums along this axis of both inputs, counted from 0 (the samples) or, if negative, from the end.
    pub fn new(axis: isize) -> Self {
        Self::over(axis, axis)
    }

    /// Sums along an axis of the first input and one of the second.
    pub fn over(first: isize, second: isize) -> Self {
        Dot {
            axes: [first, second],
            normalize: false,
        }
    }

    /// Sets whether each vector is divided by its length first.
    pub fn normalize(mut self, yes: bool) -> Self {
        self.normalize = yes;
        self
    }

    /// The matrices of the vectors of all samples, one vector in each row, and the lengths of the other axes.
    pub(super) fn vectors<A: Element>(
        &self,
        x: &ArrayViewD<A>,
        axis: usize,
    ) -> Result<(ndarray::Array3<A>, Vec<usize>)> {
        let axes = x.ndim();
        let mut order: Vec<usize> = (0..axes).filter(|&at| at != axis).collect();
        let others: Vec<usize> = order[1..].iter().map(|&at| x.shape()[at]).collect();
        order.push(axis);
        let turned = x.view().permuted_axes(IxDyn(&order));
        let turned = turned.as_standard_layout().into_owned();
        check_size("vectors", &others)?;
        let (samples, rows, len) = (x.shape()[0], others.iter().product(), x.shape()[axis]);
        check_size("vectors", &[samples, rows, len])?;
        let mut vectors = turned.into_shape_with_order((samples, rows, len))?;
        if self.normalize {
            for mut row in vectors.rows_mut() {
                let (inverse, _) = inverse_length(row.iter());
                row.mapv_inplace(|x| x * inverse);
            }
        }
        Ok((vectors, others))
    }
}

/// What a vector is multiplied with so that its length is 1, and whether it is long enough for that.
pub(super) fn inverse_length<'x, A: Element>(x: impl Iterator<Item = &'x A>) -> (A, bool) {
    let most = A::from_f64(1.0 / SHORTEST);
    let squares = x.fold(A::zero(), |sum, &x| sum + x * x);
    let inverse = A::one() / squares.sqrt();
    if inverse > most {
        (most, false)
    } else {
        (inverse, true)
    }
}

crate::describe::describe!(Dot, "dot", { axes, normalize } => Ok(Dot { axes, normalize }));

impl<A: Element> AnyLayer<A> for Dot {
    fn name(&self) -> &str {
        "dot"
    }

    fn forward(&self, _: Tensor<A>) -> Result<Tensor<A>> {
        Err(wrong_inputs(2, 1))
    }

    fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        let [first, second] =
            <[Tensor<A>; 2]>::try_from(inputs).map_err(|inputs| wrong_inputs(2, inputs.len()))?;
        for x in [&first.values, &second.values] {
            if x.ndim() < 2 {
                return Err(Error::Rank {
                    array: "input",
                    expected: "at least 2 (samples, ...)",
                    found: x.ndim(),
                });
            }
        }
        let (x, y) = (first.values.view(), second.values.view());
        let axes = [
            place_in_sample(self.axes[0], x.ndim())?,
            place_in_sample(self.axes[1], y.ndim())?,
        ];
        let (samples, len) = (x.shape()[0], x.shape()[axes[0]]);
        check("second input", "samples", samples, y.shape()[0])?;
        check(
            "second input",
            "numbers along its axis",
            len,
            y.shape()[axes[1]],
        )?;
        let (x, mut shape) = self.vectors(&x, axes[0])?;
        let (y, others) = self.vectors(&y, axes[1])?;
        shape.insert(0, samples);
        shape.extend(others);
        if shape.len() == 1 {
            shape.push(1);
        }
        check_size("output", &shape)?;
        let mut values = ArrayD::zeros(IxDyn(&shape));
        if !values.is_empty() {
            let both = x.outer_iter().zip(y.outer_iter());
            for (mut to, (x, y)) in values.axis_iter_mut(Axis(0)).zip(both) {
                let products: Array2<A> = product(&x, &y.t());
                to.iter_mut().zip(products).for_each(|(to, z)| *to = z);
            }
        }
        Ok(vec![Tensor::bare(values)])
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let shape = || {
            let [x, y] = inputs else { return None };
            let mut all = Vec::new();
            for (shape, axis) in [(x, self.axes[0]), (y, self.axes[1])] {
                let axes = shape.axes()?;
                let axis = place_in_sample(axis, axes.len()).ok()?;
                // The samples are those of the first.
                let skipped = usize::from(!all.is_empty());
                let others = axes.iter().enumerate().skip(skipped);
                all.extend(others.filter(|&(at, _)| at != axis).map(|(_, &len)| len));
            }
            if all.len() == 1 {
                all.push(Some(1));
            }
            Some(Shape::from(all))
        };
        vec![shape().unwrap_or_else(Shape::unknown)]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence("it pairs or sums up all timesteps")
    }

    goes_back!();
    described!();
}
