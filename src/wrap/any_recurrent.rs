//! `AnyRecurrent`: a recurrent layer whose kind is known only when a file is read.

use crate::describe::{Describe, Part, PartMut};
use crate::error::{Error, Result};
use crate::mask::Rows;
use crate::pass::{Pass, Sink};
use crate::unroll::{Advance, Known, Stepping, Unroll};
use crate::{BiState, Bidirectional, Deep, Element, Gru, HiddenState, Lstm, LstmState};
use crate::{SimpleRnn, Stacked, State};
use alloc::boxed::Box;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayView2};

/// A recurrent layer of any kind: one cell, or layers in both directions or on top of each other.
#[derive(Clone)]
#[cfg_attr(not(all(feature = "keras", feature = "saved")), allow(dead_code))] // the features that make it
pub enum AnyRecurrent<A> {
    SimpleRnn(SimpleRnn<A>),
    Lstm(Lstm<A>),
    Gru(Gru<A>),
    Stacked(Box<Stacked<Self, Self>>),
    Bidirectional(Box<Bidirectional<Self, Self>>),
    Deep(Deep<Self>),
}

/// The state of an [`AnyRecurrent`].
#[derive(Clone, Debug)]
pub enum AnyState<A> {
    HiddenState(HiddenState<A>),
    Lstm(LstmState<A>),
    Pair(Box<(Self, Self)>),
    Both(Box<BiState<Self, Self>>),
    Deep(Vec<Self>),
}

pub(super) fn another_layer() -> Error {
    Error::value("state", "that of this layer", "that of another")
}

/// Calls a method of the layer inside.
macro_rules! of_inner {
    ($layer:expr, $inner:ident => $value:expr) => {
        match $layer {
            AnyRecurrent::SimpleRnn($inner) => $value,
            AnyRecurrent::Lstm($inner) => $value,
            AnyRecurrent::Gru($inner) => $value,
            AnyRecurrent::Stacked($inner) => $value,
            AnyRecurrent::Bidirectional($inner) => $value,
            AnyRecurrent::Deep($inner) => $value,
        }
    };
}
#[cfg(feature = "train")]
pub(super) use of_inner;

/// Calls a method of the layer inside with the state inside.
macro_rules! with_state {
    ($layer:expr, $state:expr, ($inner:ident, $of:ident) => $value:expr) => {
        match ($layer, $state) {
            (AnyRecurrent::SimpleRnn($inner), AnyState::HiddenState($of)) => $value,
            (AnyRecurrent::Lstm($inner), AnyState::Lstm($of)) => $value,
            (AnyRecurrent::Gru($inner), AnyState::HiddenState($of)) => $value,
            (AnyRecurrent::Stacked($inner), AnyState::Pair($of)) => $value,
            (AnyRecurrent::Bidirectional($inner), AnyState::Both($of)) => $value,
            (AnyRecurrent::Deep($inner), AnyState::Deep($of)) => $value,
            _ => Err(another_layer()),
        }
    };
}
#[cfg(feature = "train")]
pub(super) use with_state;

/// Calls a method of the state inside.
macro_rules! of_state {
    ($state:expr, $inner:ident => $value:expr) => {
        match $state {
            AnyState::HiddenState($inner) => $value,
            AnyState::Lstm($inner) => $value,
            AnyState::Pair($inner) => $value,
            AnyState::Both($inner) => $value,
            AnyState::Deep($inner) => $value,
        }
    };
}

/// Makes a state of the same kind from the state inside.
macro_rules! state_of {
    ($state:expr, $inner:ident => $value:expr) => {
        match $state {
            AnyState::HiddenState($inner) => AnyState::HiddenState($value),
            AnyState::Lstm($inner) => AnyState::Lstm($value),
            AnyState::Pair($inner) => AnyState::Pair(Box::new($value)),
            AnyState::Both($inner) => AnyState::Both(Box::new($value)),
            AnyState::Deep($inner) => AnyState::Deep($value),
        }
    };
}

/// It is described as the layer inside.
impl<A: Element> Describe<A> for AnyRecurrent<A> {
    fn class(&self) -> &'static str {
        of_inner!(self, inner => inner.class())
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        of_inner!(self, inner => inner.parts(each));
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        of_inner!(self, inner => inner.parts_mut(each));
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl<A: Element> Unroll for AnyRecurrent<A> {
    type Elem = A;
    type State = AnyState<A>;

    fn input_size(&self) -> usize {
        of_inner!(self, inner => inner.input_size())
    }

    fn output_size(&self) -> usize {
        of_inner!(self, inner => inner.output_size())
    }

    fn zeros(&self, samples: usize) -> AnyState<A> {
        match self {
            AnyRecurrent::SimpleRnn(inner) => AnyState::HiddenState(inner.zeros(samples)),
            AnyRecurrent::Lstm(inner) => AnyState::Lstm(inner.zeros(samples)),
            AnyRecurrent::Gru(inner) => AnyState::HiddenState(inner.zeros(samples)),
            AnyRecurrent::Stacked(inner) => AnyState::Pair(Box::new(inner.zeros(samples))),
            AnyRecurrent::Bidirectional(inner) => AnyState::Both(Box::new(inner.zeros(samples))),
            AnyRecurrent::Deep(inner) => AnyState::Deep(inner.zeros(samples)),
        }
    }

    fn multiply_adds(&self) -> Option<usize> {
        of_inner!(self, inner => inner.multiply_adds())
    }

    fn directions(&self) -> usize {
        of_inner!(self, inner => inner.directions())
    }

    fn check(&self) -> Result<()> {
        of_inner!(self, inner => inner.check())
    }

    fn shares_steps(&self) -> bool {
        of_inner!(self, inner => inner.shares_steps())
    }

    fn is_causal(&self) -> bool {
        of_inner!(self, inner => inner.is_causal())
    }

    fn check_state(&self, state: &AnyState<A>, samples: usize) -> Result<()> {
        with_state!(self, state, (inner, state) => inner.check_state(state, samples))
    }

    fn unroll(&self, pass: Pass<A>, state: &mut AnyState<A>, sink: Sink<A>) -> Result<()> {
        with_state!(self, state, (inner, state) => inner.unroll(pass, state, sink))
    }

    fn stepping(&self, samples: usize) -> Option<Box<dyn Stepping<Self>>> {
        Some(Box::new(match self {
            AnyRecurrent::SimpleRnn(inner) => AnySteps::SimpleRnn(known(inner, samples)),
            AnyRecurrent::Lstm(inner) => AnySteps::Lstm(known(inner, samples)),
            AnyRecurrent::Gru(inner) => AnySteps::Gru(known(inner, samples)),
            AnyRecurrent::Stacked(inner) => AnySteps::Stacked(inner.stepping(samples)?),
            AnyRecurrent::Bidirectional(_) => return None,
            AnyRecurrent::Deep(inner) => AnySteps::Deep(inner.stepping(samples)?),
        }))
    }
}

/// The engine that takes single timesteps of an [`AnyRecurrent`].
enum AnySteps<A: Element> {
    SimpleRnn(Known<SimpleRnn<A>>),
    Lstm(Known<Lstm<A>>),
    Gru(Known<Gru<A>>),
    Stacked(Box<dyn Stepping<Box<Stacked<AnyRecurrent<A>, AnyRecurrent<A>>>>>),
    Deep(Box<dyn Stepping<Deep<AnyRecurrent<A>>>>),
}

fn known<R: Advance>(of: &R, samples: usize) -> Known<R> {
    Known {
        scratch: of.scratch(samples),
        may_fail: false,
    }
}

/// Calls a method of the steps inside with the layer and the state inside.
macro_rules! with_steps {
    ($steps:expr, $layer:expr, $state:expr, ($inner:ident, $of:ident, $in:ident) => $value:expr) => {
        match ($steps, $layer, $state) {
            (
                AnySteps::SimpleRnn($inner),
                AnyRecurrent::SimpleRnn($of),
                AnyState::HiddenState($in),
            ) => $value,
            (AnySteps::Lstm($inner), AnyRecurrent::Lstm($of), AnyState::Lstm($in)) => $value,
            (AnySteps::Gru($inner), AnyRecurrent::Gru($of), AnyState::HiddenState($in)) => $value,
            (AnySteps::Stacked($inner), AnyRecurrent::Stacked($of), AnyState::Pair($in)) => $value,
            (AnySteps::Deep($inner), AnyRecurrent::Deep($of), AnyState::Deep($in)) => $value,
            _ => Err(another_layer()),
        }
    };
}

impl<A: Element> Stepping<AnyRecurrent<A>> for AnySteps<A> {
    fn settle(&self, of: &AnyRecurrent<A>, state: &mut AnyState<A>) -> Result<()> {
        with_steps!(self, of, state, (inner, of, state) => inner.settle(of, state))
    }

    fn advance(
        &mut self,
        of: &AnyRecurrent<A>,
        x: ArrayView2<A>,
        rows: &Rows,
        state: &mut AnyState<A>,
    ) -> Result<()> {
        with_steps!(self, of, state, (inner, of, state) => inner.advance(of, x, rows, state))
    }

    fn output<'s>(
        &self,
        of: &AnyRecurrent<A>,
        state: &'s AnyState<A>,
    ) -> Result<ArrayView2<'s, A>> {
        with_steps!(self, of, state, (inner, of, state) => inner.output(of, state))
    }
}

impl<A: Element> State for AnyState<A> {
    fn samples(&self) -> usize {
        of_state!(self, state => state.samples())
    }

    fn zeros_like(&self, samples: usize) -> Self {
        state_of!(self, state => state.zeros_like(samples))
    }

    fn copy_sample(&mut self, row: usize, from: &Self, from_row: usize) -> Result<()> {
        match (self, from) {
            (AnyState::HiddenState(state), AnyState::HiddenState(from)) => {
                state.copy_sample(row, from, from_row)
            }
            (AnyState::Lstm(state), AnyState::Lstm(from)) => state.copy_sample(row, from, from_row),
            (AnyState::Pair(state), AnyState::Pair(from)) => state.copy_sample(row, from, from_row),
            (AnyState::Both(state), AnyState::Both(from)) => state.copy_sample(row, from, from_row),
            (AnyState::Deep(state), AnyState::Deep(from)) => state.copy_sample(row, from, from_row),
            _ => Err(another_layer()),
        }
    }

    fn reset_sample(&mut self, row: usize) -> Result<()> {
        of_state!(self, state => state.reset_sample(row))
    }

    fn to_arrays<B: Element>(&self) -> Option<Vec<Array2<B>>> {
        of_state!(self, state => state.to_arrays())
    }

    fn with_arrays<B: Element>(&self, arrays: &mut dyn Iterator<Item = Array2<B>>) -> Option<Self> {
        Some(state_of!(self, state => state.with_arrays(arrays)?))
    }
}
