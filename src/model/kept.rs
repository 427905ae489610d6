//! `Kept`: the states that a session keeps of a model's layers, their types forgotten.

use crate::State;
use crate::error::{Error, Result};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;

/// The kept state of one layer of a model.
pub struct Slot(Box<dyn AnyState>);

impl Slot {
    pub(crate) fn new(state: impl State) -> Self {
        Slot(Box::new(state))
    }

    /// The state in its own type; an error if it is that of another layer.
    pub(crate) fn get<S: State>(&self) -> Result<&S> {
        self.0.as_any().downcast_ref().ok_or_else(another_model)
    }
}

impl Clone for Slot {
    fn clone(&self) -> Self {
        Slot(self.0.boxed())
    }
}

pub(crate) fn another_model() -> Error {
    Error::value("state", "of the same model", "of another")
}

/// A [`State`] whose type is forgotten.
trait AnyState: Send {
    fn as_any(&self) -> &dyn Any;
    fn boxed(&self) -> Box<dyn AnyState>;
    fn samples(&self) -> usize;
    fn zeros_like(&self, samples: usize) -> Box<dyn AnyState>;
    fn copy_sample(&mut self, row: usize, from: &dyn AnyState, from_row: usize) -> Result<()>;
    fn reset_sample(&mut self, row: usize) -> Result<()>;
}

impl<S: State> AnyState for S {
    fn as_any(&self) -> &dyn Any {
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
}

/// The kept states of a model's layers, one for each place where a layer is called; made by a
/// [`Session`](crate::Session).
#[derive(Clone)]
pub struct Kept(pub(crate) Vec<Option<Slot>>);

impl Kept {
    /// As the slot of a model inside another one; none if there is nothing to keep.
    pub(crate) fn into_slot(self) -> Option<Slot> {
        self.0.iter().any(Option::is_some).then(|| Slot::new(self))
    }
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
