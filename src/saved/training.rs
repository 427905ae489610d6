//! The state of a training in a file.

use super::Reader;
use crate::Element;
#[cfg(feature = "std")]
use crate::error::within;
use crate::error::{Error, Result};
use crate::format::{Arrays, RawArray, json, safetensors};
use crate::train::TrainingState;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use ndarray::ArrayD;
#[cfg(feature = "std")]
use std::path::Path;

/// The text in the metadata.
const KEY: &str = "recurrent_training";

/// Returns the bytes of a file that holds the state of a training: weights, what the optimiser keeps, how far a
/// [`Fit`](crate::train::Fit) is. The same state always gives the same bytes.
///
/// The weights are named `weights/lstm/kernel` …, so that every program that reads safetensors can read them.
///
/// ```
/// use recurrent::train::{Adam, Loss, Training};
/// use recurrent::{Layer, Lstm, Model, saved};
/// let start = || {
///     let model = Model::<f32>::new().add(Layer::new(Lstm::builder(2, 1).seed(1).build()?));
///     let training = Training::of(model).loss(Loss::mean_squared_error());
///     training.optimizer(Adam::keras(1e-3)).build()
/// };
/// let training = start()?;
/// let bytes = saved::write_training(&training.state()?)?; // or saved::save_training("run.safetensors", …)?
///
/// let mut again = start()?; // with the same options, which are code
/// again.resume(saved::read_training(&bytes)?)?; // or saved::load_training("run.safetensors")?
/// # Ok::<(), recurrent::Error>(())
/// ```
pub fn write_training<A: Element>(state: &TrainingState<A>) -> Result<Vec<u8>> {
    let stored = state.store()?;
    let mut to = safetensors::Writer::default();
    for (name, array) in &stored.arrays {
        to.add(name, array.shape(), array.iter().copied())?;
    }
    for (name, array) in &stored.doubles {
        to.add(name, array.shape(), array.iter().copied())?;
    }
    Ok(to.finish(&[(KEY, &stored.head)])?)
}

/// Saves the state of a training to a file, as a whole or not at all: see [`write_training`].
#[cfg(feature = "std")]
pub fn save_training<A: Element>(path: impl AsRef<Path>, state: &TrainingState<A>) -> Result<()> {
    Ok(crate::format::disk::replace(
        path.as_ref(),
        &write_training(state)?,
    )?)
}

/// Reads the state of a training from the bytes of a file: [`Reader::read_training`] with the defaults.
pub fn read_training<A: Element>(bytes: &[u8]) -> Result<TrainingState<A>> {
    Reader::new().read_training(bytes)
}

/// Loads the state of a training from the file at a path: [`Reader::load_training`] with the defaults.
#[cfg(feature = "std")]
pub fn load_training<A: Element>(path: impl AsRef<Path>) -> Result<TrainingState<A>> {
    Reader::new().load_training(path)
}

impl Reader {
    /// Reads the state of a training from the bytes of a file of [`write_training`]. Returns an error if the file is no such
    /// one, holds another type of numbers, or exceeds the limits.
    pub fn read_training<A: Element>(&self, bytes: &[u8]) -> Result<TrainingState<A>> {
        self.training(&safetensors::File::open(bytes, &self.limits)?)
    }

    /// Loads the state of a training from the file at a path, as [`read_training`](Self::read_training) does.
    #[cfg(feature = "std")]
    pub fn load_training<A: Element>(&self, path: impl AsRef<Path>) -> Result<TrainingState<A>> {
        let path = path.as_ref();
        within(path, || {
            self.training(&safetensors::File::load(path, &self.limits)?)
        })
    }

    fn training<A: Element>(&self, file: &safetensors::File) -> Result<TrainingState<A>> {
        let part = "metadata";
        let text = file.text(KEY).ok_or_else(|| {
            let expected =
                "a text \"recurrent_training\": it is no file of `saved::write_training`";
            Error::file(part, expected, "none")
        })?;
        let head = json::parse(text, part, &self.limits)?;
        let left: RefCell<BTreeSet<String>> = RefCell::new(file.names()?.into_iter().collect());
        let take = |name: &str| -> Result<RawArray<'_>> {
            left.borrow_mut().remove(name);
            Ok(file.tensor(name)?)
        };
        let state =
            TrainingState::restore(head, &mut |name| exact::<A>(take(name)?), &mut |name| {
                exact::<f64>(take(name)?)
            })?;
        match left.borrow().first() {
            None => Ok(state),
            Some(name) => Err(Error::file(name, "no array that no part has", "one")),
        }
    }
}

/// An array of these numbers; of others a training would not go on with the same bits.
fn exact<A: Element>(array: RawArray) -> Result<ArrayD<A>> {
    if array.number() != A::NUMBER {
        let expected = format!(
            "numbers of {} bits, as the training has",
            8 * size_of::<A>()
        );
        return Err(Error::file(array.name(), expected, array.number()));
    }
    let numbers = array.read::<A>()?;
    Ok(ArrayD::from_shape_vec(array.shape(), numbers)?)
}
