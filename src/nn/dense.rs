//! `Dense`: a fully connected layer on the last axis.

use crate::error::{Error, Result, check, check_size, transposed};
use crate::kernel::{Isa, Panels, Workspace};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, copy, described, each, goes_back,
};
use crate::{Activation, Element};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array, Array1, Array2, ArrayRef, Axis, Dimension};

/// A fully connected layer on the last axis of an input with any number of axes: `y = activation(x @ kernel + bias)`.
///
/// | array | shape |
/// | --- | --- |
/// | input | (…, features) |
/// | kernel | (features, units) |
/// | bias | (units) |
/// | output | (…, units) |
///
/// To make an untrained kernel, see [`Initializer::matrix`](crate::Initializer::matrix).
///
/// Masks pass through, as in Keras. A row gives the same bits in any batch. Source: `keras.layers.Dense`.
///
/// ```
/// use ndarray::array;
/// use recurrent::{Activation, Dense};
/// let dense = Dense::from_weights(array![[1.0, -1.0], [0.5, 0.5]], array![0.0, 1.0])?.with_activation(Activation::Relu)?;
/// assert_eq!(dense.forward(&array![[2.0, 4.0]])?, array![[4.0, 1.0]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone)]
pub struct Dense<A> {
    kernel: Panels<A>,
    bias: Option<Panels<A>>,
    activation: Activation,
}

/// The number of rows that share the weights while these are in the cache.
const CHUNK: usize = 64;

impl<A: Element> Dense<A> {
    /// Makes a linear layer with these weights: `kernel` (features, units), `bias` (units) or `None`.
    pub fn from_weights(kernel: Array2<A>, bias: impl Into<Option<Array1<A>>>) -> Result<Self> {
        if kernel.ncols() == 0 {
            return Err(Error::value("units", "at least 1", 0));
        }
        let bias = bias.into();
        if let Some(bias) = &bias {
            if bias.len() == kernel.nrows() && bias.len() != kernel.ncols() {
                let expected = "(features, units), with a bias of (units)";
                let (rows, columns) = kernel.dim();
                let found = format_args!("({rows}, {columns}) with a bias of ({rows})");
                return Err(transposed("kernel", expected, found));
            }
            check("bias", "units", kernel.ncols(), bias.len())?;
        }
        let isa = Isa::detect();
        Ok(Dense {
            kernel: Panels::pack(kernel.view(), 1, isa),
            bias: bias.map(|bias| Panels::pack_vector(bias.view(), 1, isa)),
            activation: Activation::Linear,
        })
    }

    /// Sets the activation; [`Activation::Softmax`] goes over the units.
    pub fn with_activation(mut self, activation: Activation) -> Result<Self> {
        activation.check("activation")?;
        self.activation = activation;
        Ok(self)
    }

    /// The number of features: the length of the input's last axis.
    pub fn features(&self) -> usize {
        self.kernel.rows()
    }

    /// The number of units: the length of the output's last axis.
    pub fn units(&self) -> usize {
        self.kernel.units()
    }

    /// The kernel as given, (features, units).
    pub fn kernel(&self) -> Array2<A> {
        self.kernel.unpack()
    }

    /// The bias as given, (units).
    pub fn bias(&self) -> Option<Array1<A>> {
        self.bias
            .as_ref()
            .map(|bias| bias.unpack().remove_axis(Axis(0)))
    }

    /// The activation of the sum.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// Computes one row, for example after a [`Stream`](crate::Stream): features in, units out. `y` is resized to hold
    /// the output; this allocates only if its capacity is too small.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use recurrent::{Causal, Dense, Lstm};
    /// let lstm = Lstm::<f32>::builder(1, 8).build()?;
    /// let head = Dense::from_weights(Array2::from_elem((8, 1), 0.5), None)?;
    /// let (mut live, mut y) = (lstm.stream(1), Vec::with_capacity(64));
    /// for sample in [0.1, -0.2, 0.3] {
    ///     head.forward_row(live.push_slice(&[sample])?, &mut y)?;
    ///     assert!(y.len() == 1 && y[0].abs() < 1.0);
    /// }
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn forward_row(&self, x: &[A], y: &mut Vec<A>) -> Result<()> {
        check("input", "features", self.features(), x.len())?;
        self.kernel.project_row(self.bias.as_ref(), x, y);
        y.truncate(self.units());
        self.activation.apply(y);
        Ok(())
    }

    /// The sums before the activation.
    #[cfg(feature = "train")]
    pub(super) fn sums<D: Dimension>(&self, x: &ArrayRef<A, D>) -> Result<Array<A, D>> {
        let linear = self.clone().with_activation(Activation::Linear)?;
        linear.forward(x)
    }

    #[cfg(feature = "train")]
    pub(super) fn isa(&self) -> crate::kernel::Isa {
        self.kernel.isa()
    }

    /// Computes the sums of windows over `x` without the activation: see [`Panels::project_windows`]. The sums of a window
    /// have [`row_len`](Self::row_len) numbers, of which the first [`units`](Self::units) are its sums.
    pub(super) fn project_windows(&self, x: &[A], windows: (&[isize], &[isize]), sums: &mut [A]) {
        let bias = self.bias.as_ref();
        self.kernel.project_windows(bias, x, windows, sums);
    }

    /// Appends the sums of windows to `y`: see [`Panels::append_windows`].
    pub(super) fn append_windows(
        &self,
        x: &[A],
        windows: (&[isize], &[isize]),
        y: &mut Vec<A>,
    ) -> bool {
        let bias = self.bias.as_ref();
        self.kernel.append_windows(bias, x, windows, y)
    }

    /// The capacity that [`forward_row`](Self::forward_row) reserves.
    pub(super) fn row_len(&self) -> usize {
        self.kernel.len()
    }

    /// Computes (…, features) to (…, units). Returns an error if the last axis does not fit.
    pub fn forward<D: Dimension>(&self, x: &ArrayRef<A, D>) -> Result<Array<A, D>> {
        let Some(last) = x.ndim().checked_sub(1).map(Axis) else {
            return Err(Error::Rank {
                array: "input",
                expected: "at least 1",
                found: 0,
            });
        };
        check("input", "features", self.features(), x.len_of(last))?;
        let mut shape = x.raw_dim();
        shape[last.0] = self.units();
        check_size("output", shape.slice())?;
        let mut y = Array::zeros(shape);
        let (x, units) = (x.as_standard_layout(), self.units());
        let rows = y.len() / units;
        let x = x.to_shape((rows, 1, self.features())).map_err(|_| {
            let expected = "few enough rows for the memory of a machine";
            Error::value(
                "input",
                expected,
                alloc::format!("of shape {:?}", x.shape()),
            )
        })?;
        let mut work = Workspace::new(0, &self.kernel, &self.kernel);
        let mut y_rows = y.lanes_mut(last).into_iter();
        for first in (0..rows).step_by(CHUNK) {
            let chunk = (first..rows.min(first + CHUNK)).map(|row| (row, 0));
            for (z, mut y) in work
                .project(&self.kernel, self.bias.as_ref(), &x.view(), chunk)
                .chunks_exact_mut(self.kernel.len())
                .zip(&mut y_rows)
            {
                self.activation.apply(&mut z[..units]);
                y.iter_mut().zip(&*z).for_each(|(y, &z)| *y = z);
            }
        }
        Ok(y)
    }
}

crate::describe::describe!(Dense<A>, "dense", { activation; kernel: array, bias: optional } => {
    Dense::from_weights(kernel, bias)?.with_activation(activation)
});

impl<A: Element> core::fmt::Debug for Dense<A> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::describe::debug::<A>(self, "Dense", f)
    }
}

impl<A: Element> AnyLayer<A> for Dense<A> {
    fn name(&self) -> &str {
        "dense"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        Ok(Tensor {
            values: Dense::forward(self, &input.values)?,
            mask: input.mask,
        })
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let shape = |input: &Shape| input.with_last(Some(self.units()));
        inputs.iter().map(shape).collect()
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        Stepwise::of_last_axis(axes)
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let mut sums = Vec::with_capacity(self.row_len());
        each(self, inputs, move |of, inputs, output| {
            let (input, units) = (inputs.first()?, of.units());
            let features = of.features();
            for (row, y) in output.numbers.chunks_exact_mut(units).enumerate() {
                let x = &input.numbers[row * features..(row + 1) * features];
                of.forward_row(x, &mut sums)?;
                copy(&sums, y);
            }
            output.set_mask(input.mask());
            Ok(())
        })
    }

    fn step_features(&self, _: usize) -> Option<Vec<usize>> {
        Some(vec![self.features()])
    }

    #[cfg(feature = "train")]
    fn scores(&self) -> Option<(Activation, &dyn crate::model::Scores<A>)> {
        Some((self.activation, self))
    }

    goes_back!();
    described!();
}

#[cfg(feature = "train")]
impl<A: Element> crate::model::Scores<A> for Dense<A> {
    fn of(&self, x: &ndarray::ArrayD<A>) -> Result<ndarray::ArrayD<A>> {
        self.sums(x)
    }
}
