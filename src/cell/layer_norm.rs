//! `LayerNorm`: layer normalisation inside of a cell.

use crate::Element;
#[cfg(feature = "saved")]
use crate::describe::In;
use crate::describe::{Part, PartMut, Role, each_array, each_array_mut};
use crate::error::{Error, Result, check};
use ndarray::{Array1, Array2, ArrayView1};

/// Layer normalisation inside of an [`Lstm`](crate::Lstm) or a [`Gru`](crate::Gru), which its builder takes.
///
/// The sums of the inputs and those of the hidden state are normalised apart, over all gates of a sample together. The
/// bias is added afterwards.
///
/// ```text
/// norm(z; gamma, beta) = gamma (z - mean) / √(variance + epsilon) + beta
///
/// sums = norm(x @ kernel; gamma[0], beta[0]) + norm(h @ recurrent_kernel; gamma[1], beta[1]) + bias
/// h'   = o * a(norm(c'; state_gamma, state_beta))           of an LSTM, if `state` was given
/// ```
/// | array | shape |
/// | --- | --- |
/// | gamma, beta | (2, gates·units): row 0 for the input, row 1 for the hidden state; beta is 0, if there is none |
/// | `state_gamma`, `state_beta` | (units), of the cell state of an LSTM |
///
/// The layers that have these equations:
///
/// | layer | options |
/// | --- | --- |
/// | `LayerNormLSTM` of haste, Ba et al. | [`state`](Self::state); gates in haste's own order |
/// | `tfa.rnn.LayerNormLSTMCell` | [`state`](Self::state), [`carry_normalised`](Self::carry_normalised), an [`epsilon`](Self::epsilon) of 0.001 |
/// | `LayerNormGRU` of haste | none |
///
/// Sources: Ba, Kiros & Hinton, "Layer Normalization" (2016), <https://arxiv.org/abs/1607.06450>;
/// <https://github.com/lmnt-com/haste>; `tensorflow_addons/rnn/layer_norm_lstm_cell.py`.
///
/// ```
/// use ndarray::{Array1, Array2, Array3};
/// use recurrent::{LayerNorm, Lstm, Recurrent};
/// // 3 units, 4 gates.
/// let norm = LayerNorm::new(Array2::ones((2, 12)), None).state(Array1::ones(3), Array1::zeros(3));
/// let lstm = Lstm::<f32>::builder(2, 3).layer_norm(norm.epsilon(1e-3)).build()?;
/// assert_eq!(lstm.run(&Array3::ones((1, 4, 2))).last()?.dim(), (1, 3));
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, bound = "A: Element"))]
pub struct LayerNorm<A> {
    #[cfg_attr(feature = "serde", serde(with = "crate::bits"))]
    pub(super) gamma: Array2<A>,
    #[cfg_attr(feature = "serde", serde(with = "crate::bits::option"))]
    beta: Option<Array2<A>>,
    #[cfg_attr(feature = "serde", serde(with = "crate::bits::option"))]
    pub(super) state_gamma: Option<Array1<A>>,
    #[cfg_attr(feature = "serde", serde(with = "crate::bits::option"))]
    state_beta: Option<Array1<A>>,
    carry_normalised: bool,
    epsilon: f64,
}

impl<A: Element> LayerNorm<A> {
    /// Normalises the sums with these gains and offsets, (2, gates·units) each, with an epsilon of 10⁻⁵.
    pub fn new(gamma: Array2<A>, beta: impl Into<Option<Array2<A>>>) -> Self {
        LayerNorm {
            gamma,
            beta: beta.into(),
            state_gamma: None,
            state_beta: None,
            carry_normalised: false,
            epsilon: 1e-5,
        }
    }

    /// Normalises the new cell state of an LSTM, too, before the output is made of it: gains and offsets, (units) each.
    pub fn state(mut self, gamma: Array1<A>, beta: impl Into<Option<Array1<A>>>) -> Self {
        self.state_gamma = Some(gamma);
        self.state_beta = beta.into();
        self
    }

    /// Sets whether the normalised cell state is the one that the next timestep starts from. No by default, as in the
    /// paper and in haste; yes in TensorFlow Addons.
    pub fn carry_normalised(mut self, yes: bool) -> Self {
        self.carry_normalised = yes;
        self
    }

    /// Sets the constant that is added to the variance. The default is 10⁻⁵, as in haste; it is 0.001 in TensorFlow
    /// Addons.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Returns an error if the arrays are not those of a cell of this size.
    pub(super) fn check(&self, gates: usize, units: usize) -> Result<()> {
        for (name, array) in [("gamma", Some(&self.gamma)), ("beta", self.beta.as_ref())] {
            if let Some(array) = array {
                check(name, "rows (input, state)", 2, array.nrows())?;
                check(
                    name,
                    "columns (gates x units)",
                    gates * units,
                    array.ncols(),
                )?;
            }
        }
        let state = [
            ("state_gamma", self.state_gamma.as_ref()),
            ("state_beta", self.state_beta.as_ref()),
        ];
        for (name, array) in state {
            if let Some(array) = array {
                check(name, "units", units, array.len())?;
            }
        }
        if self.epsilon.is_finite() && self.epsilon >= 0.0 {
            return Ok(());
        }
        Err(Error::value(
            "epsilon",
            "a finite number of at least 0",
            self.epsilon,
        ))
    }

    /// Whether the cell state of an LSTM is normalised, too.
    pub(super) fn has_state(&self) -> bool {
        self.state_gamma.is_some()
    }

    pub(super) fn carries_normalised(&self) -> bool {
        self.carry_normalised
    }

    /// Normalises sums: of the input (0) or of the hidden state (1).
    pub(super) fn sums(&self, row: usize, z: &mut [A]) {
        let beta = self.beta.as_ref().map(|beta| beta.row(row));
        self.normalise(z, self.gamma.row(row), beta);
    }

    /// Normalises the cell state of a sample, if that is wanted.
    pub(super) fn cell_state(&self, c: &mut [A]) {
        if let Some(gamma) = &self.state_gamma {
            let beta = self.state_beta.as_ref().map(|beta| beta.view());
            self.normalise(c, gamma.view(), beta);
        }
    }

    /// The mean of numbers, and the inverse of their deviation.
    pub(super) fn statistics(&self, z: &[A]) -> (A, A) {
        let count = A::from_f64(z.len() as f64);
        let mean = z.iter().fold(A::zero(), |sum, &z| sum + z) / count;
        let squares = z
            .iter()
            .fold(A::zero(), |sum, &z| sum + (z - mean) * (z - mean));
        let inverse = A::one() / (squares / count + A::from_f64(self.epsilon)).sqrt();
        (mean, inverse)
    }

    fn normalise(&self, z: &mut [A], gamma: ArrayView1<A>, beta: Option<ArrayView1<A>>) {
        let (mean, inverse) = self.statistics(z);
        for (z, &gamma) in z.iter_mut().zip(&gamma) {
            *z = (*z - mean) * inverse * gamma;
        }
        if let Some(beta) = beta {
            z.iter_mut().zip(&beta).for_each(|(z, &beta)| *z += beta);
        }
    }

    pub(super) fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        let LayerNorm {
            gamma,
            beta,
            state_gamma,
            state_beta,
            carry_normalised,
            epsilon,
        } = self;
        each(Part::Option("norm_epsilon", epsilon));
        each(Part::Option("norm_carry_normalised", carry_normalised));
        each_array(each, "norm_gamma", Role::Trainable, gamma);
        each_array(each, "norm_beta", Role::Trainable, beta);
        each_array(each, "norm_state_gamma", Role::Trainable, state_gamma);
        each_array(each, "norm_state_beta", Role::Trainable, state_beta);
    }

    pub(super) fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        each_array_mut(each, "norm_gamma", &mut self.gamma);
        each_array_mut(each, "norm_beta", &mut self.beta);
        each_array_mut(each, "norm_state_gamma", &mut self.state_gamma);
        each_array_mut(each, "norm_state_beta", &mut self.state_beta);
    }

    /// Reads what a cell has of it.
    #[cfg(feature = "saved")]
    pub(super) fn read_from(from: &mut In) -> Result<Option<Self>> {
        let Some(gamma) = from.optional("norm_gamma")? else {
            return Ok(None);
        };
        Ok(Some(LayerNorm {
            gamma,
            beta: from.optional("norm_beta")?,
            state_gamma: from.optional("norm_state_gamma")?,
            state_beta: from.optional("norm_state_beta")?,
            carry_normalised: from.get("norm_carry_normalised")?,
            epsilon: from.get("norm_epsilon")?,
        }))
    }
}

/// A number of a state, or 0 where it is too small to be normal: see `kernel::steps`.
pub(super) fn normal_or_zero<A: Element>(x: A) -> A {
    if x.abs() < A::min_positive_value() {
        A::zero()
    } else {
        x
    }
}
