//! `Padding`: how windows over the timesteps lie at both ends.

use crate::error::{Error, Result};
use alloc::format;

/// How the windows of a [`Conv1d`](crate::Conv1d) or a [`Pooling1d`](crate::Pooling1d) lie at both ends of the timesteps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(rename_all = "snake_case", deny_unknown_fields)
)]
#[non_exhaustive]
pub enum Padding {
    /// Only where they fit: fewer timesteps come out than go in.
    #[default]
    Valid,
    /// Around the timesteps, ⌈timesteps / strides⌉ of them; what is missing is there on both sides, the odd one at the end.
    Same,
    /// All that is missing is there before the first timestep, so that no output knows a later input.
    Causal,
}

crate::names::names!(Padding, "padding", { Valid: "valid", Same: "same", Causal: "causal" });

/// Where the windows lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    /// How many there are.
    pub count: usize,
    /// How many timesteps the first one begins before the input.
    pub before: usize,
}

impl Padding {
    /// Windows of `size` timesteps, `strides` apart; both at least 1.
    pub(super) fn windows(self, timesteps: usize, size: usize, strides: usize) -> Result<Windows> {
        let steps = |last: usize| last / strides + 1;
        let all = timesteps.checked_sub(1).map_or(0, steps);
        match self {
            Padding::Valid => {
                let last = timesteps.checked_sub(size).ok_or_else(|| {
                    let expected = format!("at least {size}");
                    Error::value("number of timesteps", expected, timesteps)
                })?;
                Ok(Windows {
                    count: steps(last),
                    before: 0,
                })
            }
            Padding::Same => {
                let end = all
                    .saturating_sub(1)
                    .saturating_mul(strides)
                    .saturating_add(size);
                Ok(Windows {
                    count: all,
                    before: end.saturating_sub(timesteps) / 2,
                })
            }
            Padding::Causal => Ok(Windows {
                count: all,
                before: size - 1,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
