//! `Pieces`: the parts of a batch that are run one after the other.

use crate::Element;
use crate::error::{Error, Result};
use crate::train::Examples;

/// How a batch is cut along its timesteps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pieces {
    /// The timesteps of a window; without it a batch is one piece.
    pub window: Option<usize>,
    /// The timesteps at the start of a batch that are run for the state alone.
    pub burn_in: usize,
}

impl Pieces {
    pub fn check(self) -> Result<()> {
        match self.window {
            Some(0) => Err(Error::value("timesteps of a window", "at least 1", 0)),
            None if self.burn_in > 0 => {
                let expected = "0 without windows";
                Err(Error::value("burn_in", expected, self.burn_in))
            }
            _ => Ok(()),
        }
    }

    /// Calls `each` with the number of each piece of a batch, the piece, its burn-in and its weight in a mean, until it returns
    /// `false`.
    pub fn each<A: Element>(
        self,
        examples: Examples<A>,
        mut each: impl FnMut(u64, &Examples<A>, usize, f64) -> Result<bool>,
    ) -> Result<()> {
        let samples = examples.samples() as f64;
        let Some(window) = self.window else {
            each(0, &examples, 0, samples)?;
            return Ok(());
        };
        let (timesteps, mut burn_in) = (examples.timesteps()?, self.burn_in);
        if timesteps <= burn_in {
            let expected = alloc::format!("more than the {burn_in} of the burn-in");
            return Err(Error::value("number of timesteps", expected, timesteps));
        }
        let (mut start, mut piece) = (0, 0);
        while start < timesteps {
            let end = timesteps.min(start.saturating_add(burn_in).saturating_add(window));
            let part = examples.window(start..end, burn_in);
            let weight = samples * (end - start - burn_in) as f64;
            if !each(piece, &part, burn_in, weight)? {
                return Ok(());
            }
            (start, burn_in, piece) = (end, 0, piece + 1);
        }
        Ok(())
    }
}
