//! `Back`: the equations of a cell backwards.

use super::block::{Block, Step};
use super::tape::CellTape;
use crate::gradients::LayerGradients;
use crate::kernel::Workspace;
use crate::mask::Rows;
use crate::unroll::{Advance, Unroll};
use alloc::vec::Vec;
use ndarray::{Array2, ArrayView2};

/// The equations of a cell backwards.
pub trait Back: Advance<Scratch = Workspace<<Self as Unroll>::Elem>> {
    /// The weights in the order in which the backward pass reads them, and memory for the rows of a block.
    type Work;

    /// The number of gates, each of which can have masks of dropout of its own.
    const GATES: usize;

    /// The rates of dropout: of the inputs, and of the states.
    fn rates(&self) -> [f64; 2];

    /// Packs the weights.
    fn work(&self, needs: Needs) -> Self::Work;

    /// Whether this layer has no option that the equations backwards do not know.
    fn can_go_back(&self) -> bool {
        true
    }

    /// Adds the gradient of the state of every sample to that of the initial state of the layer, if it has one.
    fn of_initial_state(&self, d: &Self::State, weights: LayerGradients<Self::Elem>) {
        let _ = (d, weights);
    }

    /// The arrays of a state, the output first.
    fn arrays(state: &Self::State) -> Vec<&Array2<Self::Elem>>;

    /// The arrays of a state, to be changed.
    fn arrays_mut(state: &mut Self::State) -> Vec<&mut Array2<Self::Elem>>;

    /// The number of gates that a step of a sample keeps for the backward pass. 0 if it computes them again.
    fn kept(&self) -> usize {
        0
    }

    /// Takes a timestep as [`Advance::advance`] does, and writes what it keeps of the active rows to `gates`, (samples,
    /// [`kept`](Self::kept)).
    fn advance_keeping(
        &self,
        x: ArrayView2<Self::Elem>,
        rows: &Rows,
        state: &mut Self::State,
        scratch: &mut Self::Scratch,
        gates: &mut [Self::Elem],
    ) {
        let _ = (x, rows, state, scratch, gates);
    }

    /// Computes the gates of every row of a block, if they were not kept.
    fn gates(&self, block: &Block<Self::Elem>, work: &mut Self::Work);

    /// Replaces the states before a step, whose rows of the block these are, by those after it. The gates are computed.
    fn step_on(
        &self,
        block: &Block<Self::Elem>,
        step: &Step,
        state: &mut Self::State,
        work: &Self::Work,
    );

    /// Goes back over one step, whose rows of the block these are. `state` has the gradients of the states after the step,
    /// and gets those of the states before it.
    fn step_back(
        &self,
        block: &Block<Self::Elem>,
        step: &Step,
        state: &mut Self::State,
        work: &mut Self::Work,
    );

    /// Adds the products of a block to the gradients of the weights, and computes those of its inputs.
    fn products(
        &self,
        block: &Block<Self::Elem>,
        weights: &mut LayerGradients<Self::Elem>,
        work: &mut Self::Work,
    ) -> Array2<Self::Elem>;
}

/// What the weights are packed for.
#[derive(Clone, Copy)]
pub struct Needs {
    /// Whether each gate has a mask of its own for the inputs, and for the states.
    pub(super) input_apart: bool,
    pub(super) recurrent_apart: bool,
    /// Whether gates are computed.
    pub(super) forward: bool,
}

impl Needs {
    pub(super) fn of<A>(tape: &CellTape<A>) -> Self {
        Needs {
            input_apart: tape.masks.input.len() > 1,
            recurrent_apart: tape.masks.recurrent.len() > 1,
            forward: tape.gates.is_empty(),
        }
    }
}
