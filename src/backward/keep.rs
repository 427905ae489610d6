//! `Keep`: what a recorded pass keeps of the recurrent layers.

use crate::error::{Error, Result};

/// What a recorded pass keeps of each timestep of a recurrent layer. The gradients have the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The states and the gates.
    #[default]
    Gates,
    /// The states. The backward pass computes the gates again.
    States,
    /// The states at this distance of timesteps. The backward pass takes the steps between them again.
    Every(usize),
}

impl Keep {
    /// Returns an error if no state would be kept.
    pub fn check(self) -> Result<()> {
        match self {
            Keep::Every(0) => Err(Error::value("checkpoints", "at least 1", 0)),
            _ => Ok(()),
        }
    }

    /// The number of timesteps from one state that is kept to the next.
    pub fn every(self) -> usize {
        match self {
            Keep::Gates | Keep::States => 1,
            Keep::Every(steps) => steps.max(1),
        }
    }
}
