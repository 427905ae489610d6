//! `Kept`: the states that a session keeps for a model's layers, with their types erased.

use crate::State;
use crate::error::{Error, Result, check};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use ndarray::Array2;

/// The kept state of one layer of a model.
pub struct Slot(Box<dyn AnyState>);

impl Slot {
    pub(crate) fn new(state: impl State) -> Self {
        Slot(Box::new(state))
    }

    /// The state in its own type; an error if it belongs to another layer.
    pub(crate) fn get<S: State>(&self) -> Result<&S> {
        self.0.as_any().downcast_ref().ok_or_else(another_model)
    }

    /// The state in its own type, to be changed; an error if it belongs to another layer.
    #[inline]
    pub(crate) fn get_mut<S: State>(&mut self) -> Result<&mut S> {
        self.0.as_any_mut().downcast_mut().ok_or_else(another_model)
    }
}

impl Clone for Slot {
    fn clone(&self) -> Self {
        Slot(self.0.boxed())
    }
}

pub(crate) fn another_model() -> Error {
    Error::value("state", "that of this model", "that of another")
}

/// A [`State`] with its type erased.
trait AnyState: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn boxed(&self) -> Box<dyn AnyState>;
    fn samples(&self) -> usize;
    fn zeros_like(&self, samples: usize) -> Box<dyn AnyState>;
    fn copy_sample(&mut self, row: usize, from: &dyn AnyState, from_row: usize) -> Result<()>;
    fn reset_sample(&mut self, row: usize) -> Result<()>;
    fn to_arrays(&self) -> Option<Vec<Array2<f64>>>;
    fn with_arrays(&self, arrays: Vec<Array2<f64>>) -> Option<Box<dyn AnyState>>;
}

impl<S: State> AnyState for S {
    fn as_any(&self) -> &dyn Any {
        self
    }
    #[inline]
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
    fn boxed(&self) -> Box<dyn AnyState> {
        Box::new(self.clone())
    }
    fn samples(&self) -> usize {
        State::samples(self)
    }
    fn zeros_like(&self, samples: usize) -> Box<dyn AnyState> {
        Box::new(State::zeros_like(self, samples))
    }
    fn copy_sample(&mut self, row: usize, from: &dyn AnyState, from_row: usize) -> Result<()> {
        match from.as_any().downcast_ref::<S>() {
            Some(from) => State::copy_sample(self, row, from, from_row),
            None => Err(another_model()),
        }
    }
    fn reset_sample(&mut self, row: usize) -> Result<()> {
        State::reset_sample(self, row)
    }
    fn to_arrays(&self) -> Option<Vec<Array2<f64>>> {
        State::to_arrays(self)
    }
    fn with_arrays(&self, arrays: Vec<Array2<f64>>) -> Option<Box<dyn AnyState>> {
        let state = State::with_arrays(self, &mut arrays.into_iter())?;
        Some(Box::new(state))
    }
}

/// The kept states of a model's layers, one for each place where a layer is called. Made by a
/// [`Session`](crate::Session).
#[derive(Clone)]
pub struct Kept(pub(crate) Vec<Option<Slot>>);

impl Kept {
    /// The states as the slot of a model inside another one; `None` if there is nothing to keep.
    pub(crate) fn into_slot(self) -> Option<Slot> {
        self.0.iter().any(Option::is_some).then(|| Slot::new(self))
    }

    /// Nothing yet for each place, and for the places of models inside: the start of a session, in which states are kept.
    pub(crate) fn emptied(&self) -> Self {
        let emptied = |slot: &Option<Slot>| {
            let inner = slot.as_ref()?.get::<Kept>().ok()?;
            Some(Slot::new(inner.emptied()))
        };
        Kept(self.0.iter().map(emptied).collect())
    }

    /// Copies the states of another value, without allocating if both have the same number of samples.
    pub(crate) fn assign(&mut self, from: &Self) -> Result<()> {
        if self.0.len() != from.0.len() {
            return Err(another_model());
        }
        for (slot, from) in self.0.iter_mut().zip(&from.0) {
            match (slot, from) {
                (Some(slot), Some(from)) if slot.0.samples() == from.0.samples() => {
                    let mut rows = 0..from.0.samples();
                    rows.try_for_each(|row| slot.0.copy_sample(row, &*from.0, row))?;
                }
                (slot, from) => slot.clone_from(from),
            }
        }
        Ok(())
    }
}

/// The state of a [`Session`](crate::Session) as arrays, which can be stored (with the feature `serde`) and resumed in
/// another process: see [`Session::snapshot`](crate::Session::snapshot).
///
/// There is one entry for every layer that keeps state, in the order of the calls; the entries of a nested model stand
/// in its place. An entry is `None` while nothing is kept. Each array is (samples, numbers). A recurrent layer has its
/// states in Keras' order, then whether each sample has taken a step (1) or not (0). A convolution has the timesteps
/// that its next windows still read.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ModelState(
    #[cfg_attr(feature = "serde", serde(with = "crate::bits::layers"))]
    pub(crate)  Vec<Option<Vec<Array2<f64>>>>,
);

impl ModelState {
    /// Makes a state of these arrays, in the order of [`arrays`](Self::arrays).
    pub fn from_arrays(arrays: Vec<Option<Vec<Array2<f64>>>>) -> Self {
        ModelState(arrays)
    }

    /// The arrays of every layer that keeps state.
    pub fn arrays(&self) -> &[Option<Vec<Array2<f64>>>] {
        &self.0
    }

    /// The arrays of every layer that keeps state, without copying them.
    pub fn into_arrays(self) -> Vec<Option<Vec<Array2<f64>>>> {
        self.0
    }
}

impl Kept {
    /// The states, layer by layer, laid out as in `fresh`.
    pub(crate) fn snapshot(&self, fresh: &Self) -> Result<ModelState> {
        let mut states = Vec::new();
        self.collect(fresh, &mut states)?;
        Ok(ModelState(states))
    }

    fn collect(&self, fresh: &Self, to: &mut Vec<Option<Vec<Array2<f64>>>>) -> Result<()> {
        if self.0.len() != fresh.0.len() {
            return Err(another_model());
        }
        for (slot, fresh) in self.0.iter().zip(&fresh.0) {
            match (slot, fresh) {
                (None, None) => {}
                (Some(_), None) => return Err(another_model()),
                (slot, Some(fresh)) => {
                    if let Ok(fresh) = fresh.get::<Kept>() {
                        let nothing = Kept(alloc::vec![None; fresh.0.len()]);
                        let inner = slot.as_ref().map(Slot::get).transpose()?;
                        inner.unwrap_or(&nothing).collect(fresh, to)?;
                    } else {
                        let arrays = |slot: &Slot| slot.0.to_arrays().ok_or_else(no_arrays);
                        to.push(slot.as_ref().map(arrays).transpose()?);
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes the states of a snapshot in place of the states of this fresh value.
    pub(crate) fn resume(&self, snapshot: ModelState) -> Result<Self> {
        let mut states = snapshot.0.into_iter();
        let kept = self.filled(&mut states)?;
        match states.next() {
            None => Ok(kept),
            Some(_) => Err(another_model()),
        }
    }

    fn filled(&self, from: &mut impl Iterator<Item = Option<Vec<Array2<f64>>>>) -> Result<Self> {
        let mut fill = |fresh: &Slot| {
            if let Ok(inner) = fresh.get::<Kept>() {
                return Ok(inner.filled(from)?.into_slot());
            }
            let state = from.next().ok_or_else(another_model)?;
            state.map(|arrays| fresh.filled(arrays)).transpose()
        };
        let slots = self.0.iter().map(Option::as_ref);
        let slots = slots.map(|fresh| fresh.map(&mut fill).transpose().map(Option::flatten));
        slots.collect::<Result<_>>().map(Kept)
    }
}

impl Slot {
    /// A state of the same type with these arrays.
    fn filled(&self, arrays: Vec<Array2<f64>>) -> Result<Slot> {
        let like = self.0.to_arrays().ok_or_else(no_arrays)?;
        check("state", "arrays", like.len(), arrays.len())?;
        let samples = arrays.first().map_or(0, Array2::nrows);
        for (like, array) in like.iter().zip(&arrays) {
            check("state", "samples", samples, array.nrows())?;
            check("state", "units", like.ncols(), array.ncols())?;
        }
        self.0.with_arrays(arrays).map(Slot).ok_or_else(no_arrays)
    }
}

fn no_arrays() -> Error {
    let expected = "one that is made of arrays: see `State::to_arrays`";
    Error::value("state of a cell", expected, "one that is not")
}

impl State for Kept {
    fn samples(&self) -> usize {
        let first = self.0.iter().flatten().next();
        first.map_or(0, |slot| slot.0.samples())
    }
    fn zeros_like(&self, samples: usize) -> Self {
        let zeros = |slot: &Slot| Slot(slot.0.zeros_like(samples));
        Kept(self.0.iter().map(|slot| slot.as_ref().map(zeros)).collect())
    }
    fn copy_sample(&mut self, row: usize, from: &Self, from_row: usize) -> Result<()> {
        if self.0.len() != from.0.len() {
            return Err(another_model());
        }
        for (slot, from) in self.0.iter_mut().zip(&from.0) {
            if let (Some(slot), Some(from)) = (slot, from) {
                slot.0.copy_sample(row, &*from.0, from_row)?;
            }
        }
        Ok(())
    }
    fn reset_sample(&mut self, row: usize) -> Result<()> {
        self.0
            .iter_mut()
            .flatten()
            .try_for_each(|slot| slot.0.reset_sample(row))
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("samples", &State::samples(self))
            .finish_non_exhaustive()
    }
}
