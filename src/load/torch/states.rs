//! States as PyTorch has them: those of all layers and directions in one array.

use crate::error::{Result, check};
use crate::{BiState, Element, HiddenState, LstmState, Recurrent, State};
use alloc::vec::Vec;
use ndarray::{Array2, Array3, ArrayView3, Axis};

/// The state of layers that PyTorch has too. Sealed by its hidden constant.
pub trait TorchState: State {
    /// `f32` or `f64`.
    type Elem: Element;

    /// How many arrays each layer and direction has: h, or h and c.
    #[doc(hidden)]
    const ARRAYS: usize;
}

/// The state of LSTM layers, of which there is a `c_n`.
pub trait TorchLstmState: TorchState {}

impl<A: Element> TorchState for HiddenState<A> {
    type Elem = A;
    const ARRAYS: usize = 1;
}

impl<A: Element> TorchState for LstmState<A> {
    type Elem = A;
    const ARRAYS: usize = 2;
}

impl<S: TorchState> TorchState for BiState<S, S> {
    type Elem = S::Elem;
    const ARRAYS: usize = S::ARRAYS;
}

impl<S: TorchState> TorchState for Vec<S> {
    type Elem = S::Elem;
    const ARRAYS: usize = S::ARRAYS;
}

impl<A: Element> TorchLstmState for LstmState<A> {}
impl<S: TorchLstmState> TorchLstmState for BiState<S, S> {}
impl<S: TorchLstmState> TorchLstmState for Vec<S> {}

/// All arrays h, (layers · directions, samples, units): layer 0 forward, layer 0 backward, layer 1 forward …
pub fn h_n<S: TorchState>(state: &S) -> Result<Array3<S::Elem>> {
    join(state, 0)
}

/// All arrays c of an LSTM, in the order of [`h_n`].
pub fn c_n<S: TorchLstmState>(state: &S) -> Result<Array3<S::Elem>> {
    join(state, 1)
}

/// Makes a state for [`Run::initial_state`](crate::Run::initial_state) from the arrays that PyTorch takes: `h_0`, or `h_0`
/// and `c_0` for an LSTM.
pub fn initial_state<R>(of: &R, arrays: &[ArrayView3<R::Elem>]) -> Result<R::State>
where
    R: Recurrent<State: TorchState>,
{
    let state = of.zero_state(0);
    let all = state.to_arrays::<R::Elem>().map_or(0, |all| all.len());
    let each = R::State::ARRAYS;
    check("initial state", "arrays (h_0, c_0)", each, arrays.len())?;
    for array in arrays {
        let found = array.len_of(Axis(0));
        check("h_0 or c_0", "layers x directions", all / each, found)?;
    }
    let pairs = (0..all).map(|k| arrays[k % each].index_axis(Axis(0), k / each).to_owned());
    // There are as many arrays as the state has.
    Ok(state.with_arrays(&mut pairs.into_iter()).unwrap_or(state))
}

fn join<S: TorchState>(state: &S, first: usize) -> Result<Array3<S::Elem>> {
    let all: Vec<Array2<S::Elem>> = state.to_arrays().unwrap_or_default();
    let picked = all.iter().skip(first).step_by(S::ARRAYS);
    let views: Vec<_> = picked.map(|array| array.view()).collect();
    Ok(ndarray::stack(Axis(0), &views)?)
}
