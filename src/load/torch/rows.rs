//! `Rows`: the weights of one layer in one direction as PyTorch has them, gate below gate.

use crate::Element;
use ndarray::{Array1, Array2};

/// `input @ x + recurrent @ h + biases`.
pub(super) struct Rows<A, M> {
    /// (gates · units, features).
    pub input: M,
    /// (gates · units, size of h).
    pub recurrent: M,
    /// That with the input and that with the state, (gates · units) each.
    pub biases: Option<[Array1<A>; 2]>,
}

impl<A: Element, M> Rows<A, M> {
    /// The sum of the biases.
    pub fn bias(&self) -> Option<Array1<A>> {
        let [input, state] = self.biases.as_ref()?;
        Some(input + state)
    }

    /// The biases as two rows, for a reset gate that comes between them.
    pub fn bias_rows(&self) -> Option<Array2<A>> {
        let biases = self.biases.as_ref()?;
        let shape = (biases.len(), biases[0].len());
        Some(Array2::from_shape_fn(shape, |(row, k)| biases[row][k]))
    }
}
