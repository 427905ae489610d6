//! `SimpleRnn`: one gate, its output is its state.

use super::builder::{Common, common_setters, contiguous, recurrent_of_cell};
use crate::error::{Result, check};
use crate::kernel::Packed;
use crate::mask::Rows;
use crate::recurrent::{Causal, Recurrent, unroll_by_steps};
use crate::state::{check_array, make_contiguous};
use crate::{Activation, Element, Hidden};
use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;
use ndarray::{Array1, Array2, ArrayView2, Axis};

/// A fully connected recurrent layer: the output is fed back as it is.
///
/// ```text
/// h' = activation(x @ kernel + h @ recurrent_kernel + bias)          output = h'
/// ```
/// | array | shape |
/// | --- | --- |
/// | kernel | (features, units) |
/// | `recurrent_kernel` | (units, units) |
/// | bias | (units) |
///
/// Source: Elman, "Finding structure in time" (1990); `keras.layers.SimpleRNN`.
///
/// ```
/// use ndarray::array;
/// use recurrent::{Recurrent, SimpleRnn};
/// let rnn = SimpleRnn::from_weights(array![[0.1], [0.1]], array![[0.1]], array![0.0])?;
/// let (h, state) = rnn.run(&array![[[0.1, 0.2], [0.3, 0.1]]]).last_and_state()?;
/// assert_eq!(h, state.h);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone)]
pub struct SimpleRnn<A> {
    kernel: Packed<A>,
    recurrent_kernel: Packed<A>,
    bias: Option<Packed<A>>,
    activation: Activation,
}

impl<A: Element> SimpleRnn<A> {
    /// Options and initialisers for a layer of these sizes.
    pub fn builder(features: usize, units: usize) -> SimpleRnnBuilder<A> {
        SimpleRnnBuilder {
            common: Common::new(features, units),
            elem: PhantomData,
        }
    }

    /// A layer with Keras' default activation (Tanh) and these weights: `kernel` (features, units),
    /// `recurrent_kernel` (units, units), `bias` (units) or `None`.
    pub fn from_weights(
        kernel: Array2<A>,
        recurrent_kernel: Array2<A>,
        bias: impl Into<Option<Array1<A>>>,
    ) -> Result<Self> {
        Self::builder(kernel.nrows(), recurrent_kernel.nrows()).from_weights(
            kernel,
            recurrent_kernel,
            bias,
        )
    }

    /// The same options with other weights.
    pub fn with_weights(
        &self,
        kernel: Array2<A>,
        recurrent_kernel: Array2<A>,
        bias: impl Into<Option<Array1<A>>>,
    ) -> Result<Self> {
        Self::builder(self.features(), self.units())
            .activation(self.activation)
            .from_weights(kernel, recurrent_kernel, bias)
    }

    /// The kernel as it was given, (features, units).
    pub fn kernel(&self) -> Array2<A> {
        self.kernel.unpack()
    }

    /// The recurrent kernel as it was given, (units, units).
    pub fn recurrent_kernel(&self) -> Array2<A> {
        self.recurrent_kernel.unpack()
    }

    /// The bias as it was given, (units).
    pub fn bias(&self) -> Option<Array1<A>> {
        self.bias
            .as_ref()
            .map(|bias| bias.unpack().remove_axis(Axis(0)))
    }

    /// What is applied to the sum.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    fn describe(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SimpleRnn")
            .field("features", &self.features())
            .field("units", &self.units())
            .field("activation", &self.activation)
            .field("use_bias", &self.bias.is_some())
            .finish()
    }
}

/// Builds a [`SimpleRnn`]; the setters are named like Keras' arguments.
#[derive(Clone, Debug)]
pub struct SimpleRnnBuilder<A> {
    common: Common,
    elem: PhantomData<A>,
}

impl<A: Element> SimpleRnnBuilder<A> {
    common_setters!();

    /// A layer whose weights come from the initialisers.
    pub fn build(self) -> Result<SimpleRnn<A>> {
        let (kernel, recurrent_kernel) = self.common.matrices(1)?;
        let bias = if self.common.use_bias {
            let Common {
                bias_initializer,
                units,
                ..
            } = self.common;
            Some(bias_initializer.vector(units, self.common.bias_seed())?)
        } else {
            None
        };
        self.from_weights(kernel, recurrent_kernel, bias)
    }

    /// A layer with these weights: `kernel` (features, units), `recurrent_kernel` (units, units), `bias` (units) or
    /// `None`.
    #[allow(clippy::wrong_self_convention)] // ends a chain of options: from these weights
    pub fn from_weights(
        self,
        kernel: Array2<A>,
        recurrent_kernel: Array2<A>,
        bias: impl Into<Option<Array1<A>>>,
    ) -> Result<SimpleRnn<A>> {
        let (common, bias) = (self.common, bias.into());
        common.check(1, &kernel, &recurrent_kernel)?;
        common.check_bias(bias.is_some())?;
        if let Some(bias) = &bias {
            check("bias", "units", common.units, bias.len())?;
        }
        Ok(SimpleRnn {
            kernel: Packed::pack(kernel.view(), 1),
            recurrent_kernel: Packed::pack(recurrent_kernel.view(), 1),
            bias: bias.map(|bias| Packed::pack(bias.view().insert_axis(Axis(0)), 1)),
            activation: common.activation,
        })
    }
}

recurrent_of_cell!(SimpleRnn, "simple_rnn", Hidden, [h]);

/// What a step of one row needs room for.
#[derive(Clone, Debug)]
pub struct Scratch<A> {
    x: Vec<A>,
    z: Vec<A>,
}

impl<A: Element> Causal for SimpleRnn<A> {
    type Scratch = Scratch<A>;

    fn scratch(&self) -> Scratch<A> {
        Scratch {
            x: vec![A::zero(); self.features()],
            z: vec![A::zero(); self.kernel.len()],
        }
    }

    fn settle(&self, state: &mut Hidden<A>) {
        make_contiguous(&mut state.h);
    }

    fn advance(
        &self,
        x: ArrayView2<A>,
        rows: &Rows,
        state: &mut Hidden<A>,
        scratch: &mut Scratch<A>,
    ) -> Result<()> {
        let Scratch { x: spare, z } = scratch;
        for &row in rows.active() {
            Packed::start(self.bias.as_ref(), z);
            self.kernel.accumulate(contiguous(&x.row(row), spare), z);
            let mut h = state.h.row_mut(row);
            let h = h.as_slice_mut().expect("a settled state is contiguous");
            self.recurrent_kernel.accumulate(h, z);
            for (unit, h) in h.iter_mut().enumerate() {
                *h = self.activation.elementwise(z[self.kernel.at(0, unit)]);
            }
        }
        Ok(())
    }

    fn output<'s>(&self, state: &'s Hidden<A>) -> ArrayView2<'s, A> {
        state.h.view()
    }
}
