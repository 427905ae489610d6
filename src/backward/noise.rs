//! `Noise`: where the random numbers of a recorded run come from.

use super::Draw;
use crate::error::{Error, Result};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::ArrayD;

/// Where the random numbers of a recorded run come from: a seed and the number of the step of the training. A mask of
/// dropout is a function of these, of the path of its layer, of the sample and of the position. So neither threads nor a
/// second run change it.
///
/// ```
/// use recurrent::train::Noise;
/// use recurrent::{Dropout, Model, Tensor};
/// let model = Model::<f64>::new().add(Dropout::new(0.5)?);
/// let x = ndarray::Array2::ones((1, 8));
/// let run = model.record_with([Tensor::new(&x)], Noise::seed(42).step(3))?;
/// let masks = run.masks(); // by the paths of the layers
/// assert_eq!(masks[0].0, "dropout");
/// let again = model.record_with([Tensor::new(&x)], Noise::seed(0).given(&masks))?;
/// assert_eq!(run.outputs(), again.outputs());
/// # Ok::<(), recurrent::Error>(())
/// ```
/// A recurrent layer has several masks. Below the path of a cell they are called
///
/// | path | shape | what it multiplies |
/// | --- | --- | --- |
/// | `dropout` | (1 or gates, samples, features) | the input of every timestep |
/// | `recurrent_dropout` | (1 or gates, samples, units) | the state h before every timestep |
///
/// and below the path of a stack
///
/// | path | shape | what it multiplies |
/// | --- | --- | --- |
/// | `between` in a [`Stacked`](crate::Stacked) | (samples, timesteps, units) | what the lower layer hands up |
/// | `between/0` … in a [`Deep`](crate::Deep) | (samples, timesteps, units) | what layer 0 … hands up |
///
/// A cell in a layer that is called `lstm` has the path `lstm`, `lstm/forward`, `lstm/0/backward` … as its weights do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Noise<'a> {
    seed: u64,
    step: u64,
    given: &'a [(String, ArrayD<f64>)],
}

impl<'a> Noise<'a> {
    /// The noise of step 0 with this seed.
    pub fn seed(seed: u64) -> Self {
        Noise {
            seed,
            ..Noise::default()
        }
    }

    /// Sets the number of the step of the training.
    pub fn step(mut self, step: u64) -> Self {
        self.step = step;
        self
    }

    /// Gives masks, by the paths of their layers, instead of drawing them. Layers that are not among them draw theirs. The
    /// second call of a layer has the path `layer#1`. A mask that no layer takes is an error of the run.
    pub fn given(mut self, masks: &'a [(String, ArrayD<f64>)]) -> Self {
        self.given = masks;
        self
    }

    /// Whether masks are given.
    pub(crate) fn gives(&self) -> bool {
        !self.given.is_empty()
    }

    /// The mask that is given for this path.
    pub(crate) fn given_at(&self, path: &str) -> Option<&'a ArrayD<f64>> {
        let mut given = self.given.iter();
        let given = given.find(|(at, _)| at == path);
        given.map(|(_, mask)| mask)
    }

    /// Refuses a given mask that is not among those that a run has used.
    pub(crate) fn check_taken(&self, used: &[(String, ArrayD<f64>)]) -> Result<()> {
        let is_used = |path: &String| used.iter().any(|(used, _)| used == path);
        match self.given.iter().find(|(path, _)| !is_used(path)) {
            None => Ok(()),
            Some((path, _)) => {
                let used: Vec<&str> = used.iter().map(|(path, _)| path.as_str()).collect();
                let expected = format!("one of {used:?}");
                Err(Error::value(
                    "path of a given mask",
                    expected,
                    format!("{path:?}"),
                ))
            }
        }
    }

    /// The random numbers of this path.
    pub(crate) fn draw(&self, path: &str) -> Draw {
        Draw::new(self.seed, self.step).inside(path)
    }
}
