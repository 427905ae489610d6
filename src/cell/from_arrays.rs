//! `from_arrays`: layers from arrays in the layout of another framework.

use super::gru::GruBuilder;
use super::layout::{self, Layout, Sizes};
use super::lstm::LstmBuilder;
use super::simple_rnn::SimpleRnnBuilder;
use crate::error::{Error, Result};
use crate::{Activation, Element, Gru, GruBias, Lstm, SimpleRnn};
use ndarray::{ArrayRef, Dimension, Ix1};

impl<A: Element> LstmBuilder<A> {
    /// Makes a layer from arrays in the layout of another framework, with the options of the builder.
    ///
    /// The [`Layout`] says which shapes the kernels have, in which order their gates stand, and what the framework adds to
    /// the forget gate. There may be no bias (`&[]`), one, or two whose sum is that of Keras, each (4·units). With a
    /// [`projection`](Self::projection), n of the recurrent kernel is its size. Peepholes and projection have the shapes of
    /// their setters. Returns an error if an array has another shape, or an option is invalid.
    ///
    /// ```
    /// use ndarray::{Array2, Axis, array};
    /// use recurrent::{Layout, Lstm};
    /// // TensorFlow 1, LSTMCell: one kernel, (features + units, 4·units), with the gates i, j, f, o.
    /// let (features, units) = (2, 3);
    /// let kernel = Array2::<f32>::ones((features + units, 4 * units));
    /// let bias = array![0., 0., 0., 1., 1., 1., 2., 2., 2., 3., 3., 3.];
    /// let (of_x, of_h) = kernel.view().split_at(Axis(0), features);
    /// let layout = Layout::columns("ijfo").forget_bias(1.0);
    /// let lstm = Lstm::builder(features, units).from_arrays(&layout, &of_x, &of_h, &[&bias])?;
    /// assert_eq!(lstm.bias(), Some(array![0., 0., 0., 3., 3., 3., 1., 1., 1., 3., 3., 3.]));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    #[allow(clippy::wrong_self_convention)] // a builder's last call, which takes the weights
    pub fn from_arrays<D: Dimension, E: Dimension>(
        self,
        layout: &Layout,
        kernel: &ArrayRef<A, D>,
        recurrent_kernel: &ArrayRef<A, E>,
        biases: &[&ArrayRef<A, Ix1>],
    ) -> Result<Lstm<A>> {
        let sizes = Sizes {
            h: self.state_size().0,
            ..self.common.sizes(4)?
        };
        let arrays = layout.arrange(&layout::LSTM, sizes, kernel, recurrent_kernel, biases)?;
        let bias = arrays.bias();
        self.from_weights(arrays.kernel, arrays.recurrent_kernel, bias)
    }
}

impl<A: Element> GruBuilder<A> {
    /// Makes a layer from arrays in the layout of another framework, with the options of the builder.
    ///
    /// The [`Layout`] says which shapes the kernels have, in which order their gates stand, and whether the update gate
    /// takes the new value. There may be no bias (`&[]`), one, or two, each (3·units): the first is added to the product
    /// with the input, the second to that with the state. Set [`reset_after(false)`](Self::reset_after) if the reset gate
    /// acts before the product with the state; it acts after it by default. Returns an error if an array has another shape,
    /// or an option is invalid.
    ///
    /// ```
    /// use ndarray::{Array2, array};
    /// use recurrent::{Gru, Layout};
    /// // Haiku: gates z, r, a in columns, one bias; z takes the new value, and r acts before the product.
    /// let layout = Layout::columns("zra").update_takes_new(true);
    /// let (w_i, w_h) = (Array2::<f32>::ones((2, 3)), Array2::ones((1, 3)));
    /// let b = array![1., 2., 3.];
    /// let gru = Gru::builder(2, 1).reset_after(false).from_arrays(&layout, &w_i, &w_h, &[&b])?;
    /// assert_eq!(gru.bias(), &array![-1., 2., 3.].into());
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    #[allow(clippy::wrong_self_convention)] // a builder's last call, which takes the weights
    pub fn from_arrays<D: Dimension, E: Dimension>(
        self,
        layout: &Layout,
        kernel: &ArrayRef<A, D>,
        recurrent_kernel: &ArrayRef<A, E>,
        biases: &[&ArrayRef<A, Ix1>],
    ) -> Result<Gru<A>> {
        let sizes = self.common.sizes(3)?;
        let gate = self.recurrent_activation;
        if layout.negates_update() && !is_symmetric(gate) {
            let expected = "a sigmoid s with s(-x) = 1 - s(x), since update_takes_new is true";
            let found = alloc::format!("{gate:?}");
            return Err(Error::value("recurrent_activation", expected, found));
        }
        let arrays = layout.arrange(&layout::GRU, sizes, kernel, recurrent_kernel, biases)?;
        let reset_after = self.reset_after.unwrap_or(true);
        let bias = if reset_after {
            arrays.bias_rows().into()
        } else {
            arrays.bias().map_or(GruBias::None, GruBias::ResetBefore)
        };
        self.reset_after(reset_after)
            .from_weights(arrays.kernel, arrays.recurrent_kernel, bias)
    }
}

impl<A: Element> SimpleRnnBuilder<A> {
    /// Makes a layer from arrays in the layout of another framework, with the options of the builder.
    ///
    /// The [`Layout`] says which shapes the kernels have: `Layout::rows("h")` or `Layout::columns("h")`. There may be no
    /// bias (`&[]`), one, or two whose sum is that of Keras, each (units). Returns an error if an array has another shape,
    /// or an option is invalid.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::{Layout, SimpleRnn};
    /// let (weight_ih, weight_hh) = (array![[0.1_f32, 0.2]], array![[0.3]]); // PyTorch: 1 unit, 2 features
    /// let (bias_ih, bias_hh) = (array![0.25], array![0.5]);
    /// let rnn = SimpleRnn::builder(2, 1)
    ///     .from_arrays(&Layout::rows("h"), &weight_ih, &weight_hh, &[&bias_ih, &bias_hh])?;
    /// assert_eq!(rnn.kernel(), array![[0.1], [0.2]]);
    /// assert_eq!(rnn.bias(), Some(array![0.75]));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    #[allow(clippy::wrong_self_convention)] // a builder's last call, which takes the weights
    pub fn from_arrays<D: Dimension, E: Dimension>(
        self,
        layout: &Layout,
        kernel: &ArrayRef<A, D>,
        recurrent_kernel: &ArrayRef<A, E>,
        biases: &[&ArrayRef<A, Ix1>],
    ) -> Result<SimpleRnn<A>> {
        let sizes = self.common.sizes(1)?;
        let arrays =
            layout.arrange(&layout::SIMPLE_RNN, sizes, kernel, recurrent_kernel, biases)?;
        let bias = arrays.bias();
        self.from_weights(arrays.kernel, arrays.recurrent_kernel, bias)
    }
}

/// Whether s(-x) = 1 - s(x).
#[allow(clippy::float_cmp)] // an option, which is exact
fn is_symmetric(activation: Activation) -> bool {
    match activation {
        Activation::Sigmoid | Activation::SparseSigmoid => true,
        Activation::HardSigmoid { beta, .. } => beta == 0.5,
        _ => false,
    }
}
