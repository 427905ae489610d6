//! `Padding`: how windows treat both ends of an axis.

use crate::error::{Error, Result};
use alloc::format;

/// How the windows of a [`Conv1d`](crate::Conv1d), a [`Conv2d`](crate::Conv2d), a [`Pooling1d`](crate::Pooling1d) or a
/// [`Pooling2d`](crate::Pooling2d) treat both ends of the timesteps, or of the height and the width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(rename_all = "snake_case", deny_unknown_fields)
)]
#[non_exhaustive]
pub enum Padding {
    /// No padding: a window must fit, so the output can have fewer timesteps than the input.
    #[default]
    Valid,
    /// Padding at both ends, so that there are ⌈timesteps / strides⌉ windows. If the padding is odd, the end gets one
    /// more.
    Same,
    /// All padding before the first timestep, so that no output depends on a later input.
    Causal,
}

crate::names::names!(Padding, "padding", { Valid: "valid", Same: "same", Causal: "causal" });

/// The windows over a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    /// The number of windows.
    pub count: usize,
    /// The number of timesteps by which the first window starts before the input.
    pub before: usize,
}

impl Padding {
    /// Places windows of `size` timesteps at a distance of `strides`; both are at least 1. `name` is what errors call the
    /// number of timesteps.
    pub(super) fn windows(
        self,
        name: &'static str,
        timesteps: usize,
        size: usize,
        strides: usize,
    ) -> Result<Windows> {
        let steps = |last: usize| last / strides + 1;
        let all = timesteps.checked_sub(1).map_or(0, steps);
        match self {
            Padding::Valid => {
                let last = timesteps.checked_sub(size).ok_or_else(|| {
                    let expected = format!("at least {size}");
                    Error::value(name, expected, timesteps)
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
