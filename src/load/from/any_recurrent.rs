//! `AnyRecurrent`: a recurrent layer whose cell is known when a file is read, not when the program is compiled.

use crate::Recurrent;
use crate::error::{Error, Result};
use crate::pass::{Pass, Sink};
use crate::{Element, Gru, Hidden, Lstm, LstmState, SimpleRnn, Stacked, State};
use alloc::boxed::Box;
use alloc::vec::Vec;
use ndarray::Array2;

/// A layer of one cell, or of cells one on top of the other.
#[derive(Clone)]
pub enum AnyRecurrent<A> {
    SimpleRnn(SimpleRnn<A>),
    Lstm(Lstm<A>),
    Gru(Gru<A>),
    Stacked(Box<Stacked<Self, Self>>),
}

/// The state of an [`AnyRecurrent`].
#[derive(Clone, Debug)]
pub enum AnyState<A> {
    Hidden(Hidden<A>),
    Lstm(LstmState<A>),
    Pair(Box<(Self, Self)>),
}

fn another_layer() -> Error {
    Error::value("state", "that of this layer", "of another")
}

/// The same of the layer inside.
macro_rules! of_inner {
    ($layer:expr, $inner:ident => $value:expr) => {
        match $layer {
            AnyRecurrent::SimpleRnn($inner) => $value,
            AnyRecurrent::Lstm($inner) => $value,
            AnyRecurrent::Gru($inner) => $value,
            AnyRecurrent::Stacked($inner) => $value,
        }
    };
}

impl<A: Element> Recurrent for AnyRecurrent<A> {
    type Elem = A;
    type State = AnyState<A>;

    fn features(&self) -> usize {
        of_inner!(self, inner => inner.features())
    }

    fn units(&self) -> usize {
        of_inner!(self, inner => inner.units())
    }

    fn zero_state(&self, samples: usize) -> AnyState<A> {
        match self {
            AnyRecurrent::SimpleRnn(inner) => AnyState::Hidden(inner.zero_state(samples)),
            AnyRecurrent::Lstm(inner) => AnyState::Lstm(inner.zero_state(samples)),
            AnyRecurrent::Gru(inner) => AnyState::Hidden(inner.zero_state(samples)),
            AnyRecurrent::Stacked(inner) => AnyState::Pair(Box::new(inner.zero_state(samples))),
        }
    }

    fn name(&self) -> &'static str {
        of_inner!(self, inner => inner.name())
    }

    fn multiply_adds(&self) -> Option<usize> {
        of_inner!(self, inner => inner.multiply_adds())
    }

    fn ways(&self) -> usize {
        of_inner!(self, inner => inner.ways())
    }

    fn check(&self) -> Result<()> {
        of_inner!(self, inner => inner.check())
    }

    fn parameters(&self) -> usize {
        of_inner!(self, inner => inner.parameters())
    }

    fn check_state(&self, state: &AnyState<A>, samples: usize) -> Result<()> {
        match (self, state) {
            (AnyRecurrent::SimpleRnn(inner), AnyState::Hidden(state)) => {
                inner.check_state(state, samples)
            }
            (AnyRecurrent::Lstm(inner), AnyState::Lstm(state)) => inner.check_state(state, samples),
            (AnyRecurrent::Gru(inner), AnyState::Hidden(state)) => {
                inner.check_state(state, samples)
            }
            (AnyRecurrent::Stacked(inner), AnyState::Pair(state)) => {
                inner.check_state(state, samples)
            }
            _ => Err(another_layer()),
        }
    }

    fn unroll(&self, pass: Pass<A>, state: &mut AnyState<A>, sink: Sink<A>) -> Result<()> {
        match (self, state) {
            (AnyRecurrent::SimpleRnn(inner), AnyState::Hidden(state)) => {
                inner.unroll(pass, state, sink)
            }
            (AnyRecurrent::Lstm(inner), AnyState::Lstm(state)) => inner.unroll(pass, state, sink),
            (AnyRecurrent::Gru(inner), AnyState::Hidden(state)) => inner.unroll(pass, state, sink),
            (AnyRecurrent::Stacked(inner), AnyState::Pair(state)) => {
                inner.unroll(pass, state, sink)
            }
            _ => Err(another_layer()),
        }
    }
}

impl<A: Element> State for AnyState<A> {
    fn samples(&self) -> usize {
        match self {
            AnyState::Hidden(state) => state.samples(),
            AnyState::Lstm(state) => state.samples(),
            AnyState::Pair(state) => state.samples(),
        }
    }

    fn zeros_like(&self, samples: usize) -> Self {
        match self {
            AnyState::Hidden(state) => AnyState::Hidden(state.zeros_like(samples)),
            AnyState::Lstm(state) => AnyState::Lstm(state.zeros_like(samples)),
            AnyState::Pair(state) => AnyState::Pair(Box::new(state.zeros_like(samples))),
        }
    }

    fn copy_sample(&mut self, row: usize, from: &Self, from_row: usize) -> Result<()> {
        match (self, from) {
            (AnyState::Hidden(state), AnyState::Hidden(from)) => {
                state.copy_sample(row, from, from_row)
            }
            (AnyState::Lstm(state), AnyState::Lstm(from)) => state.copy_sample(row, from, from_row),
            (AnyState::Pair(state), AnyState::Pair(from)) => state.copy_sample(row, from, from_row),
            _ => Err(another_layer()),
        }
    }

    fn reset_sample(&mut self, row: usize) -> Result<()> {
        match self {
            AnyState::Hidden(state) => state.reset_sample(row),
            AnyState::Lstm(state) => state.reset_sample(row),
            AnyState::Pair(state) => state.reset_sample(row),
        }
    }

    fn to_arrays<B: Element>(&self) -> Option<Vec<Array2<B>>> {
        match self {
            AnyState::Hidden(state) => state.to_arrays(),
            AnyState::Lstm(state) => state.to_arrays(),
            AnyState::Pair(state) => state.to_arrays(),
        }
    }

    fn with_arrays<B: Element>(&self, arrays: &mut dyn Iterator<Item = Array2<B>>) -> Option<Self> {
        Some(match self {
            AnyState::Hidden(state) => AnyState::Hidden(state.with_arrays(arrays)?),
            AnyState::Lstm(state) => AnyState::Lstm(state.with_arrays(arrays)?),
            AnyState::Pair(state) => AnyState::Pair(Box::new(state.with_arrays(arrays)?)),
        })
    }
}
