//! What a pass returns: the two flags, and the enum whose variant they choose.

use ndarray::{Array2, Array3};

/// Keras' two flags as run-time values, as they stand in configurations and files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Returns {
    /// `return_sequences`: the output of every timestep, not only the last.
    pub sequences: bool,
    /// `return_state`: the state after the last timestep, too.
    pub state: bool,
}

/// What a pass returned; the variants are named like the verbs of [`Run`](crate::Run).
///
/// | `return_sequences` | `return_state` | variant | shape of the array |
/// | --- | --- | --- | --- |
/// | false | false | `Last` | (samples, units) |
/// | false | true | `LastAndState` | (samples, units) |
/// | true | false | `Sequences` | (samples, timesteps, units) |
/// | true | true | `SequencesAndState` | (samples, timesteps, units) |
///
/// `Last` holds the last *appended output*, which is not always `state.h`: see [`Run::last`](crate::Run::last).
#[derive(Clone, Debug, PartialEq)]
pub enum Output<A, S> {
    /// The last output.
    Last(Array2<A>),
    /// The last output and the state after it.
    LastAndState(Array2<A>, S),
    /// The output of every timestep.
    Sequences(Array3<A>),
    /// The output of every timestep and the state after the last.
    SequencesAndState(Array3<A>, S),
}

impl<A, S> Output<A, S> {
    /// The last output, if that is what was asked for.
    pub fn last(&self) -> Option<&Array2<A>> {
        match self {
            Output::Last(y) | Output::LastAndState(y, _) => Some(y),
            _ => None,
        }
    }

    /// The outputs of all timesteps, if they were asked for.
    pub fn sequences(&self) -> Option<&Array3<A>> {
        match self {
            Output::Sequences(y) | Output::SequencesAndState(y, _) => Some(y),
            _ => None,
        }
    }

    /// The last output itself, if that is what was asked for.
    pub fn into_last(self) -> Option<Array2<A>> {
        match self {
            Output::Last(y) | Output::LastAndState(y, _) => Some(y),
            _ => None,
        }
    }

    /// The outputs of all timesteps themselves, if they were asked for.
    pub fn into_sequences(self) -> Option<Array3<A>> {
        match self {
            Output::Sequences(y) | Output::SequencesAndState(y, _) => Some(y),
            _ => None,
        }
    }

    /// The state, if it was asked for.
    pub fn state(&self) -> Option<&S> {
        match self {
            Output::LastAndState(_, s) | Output::SequencesAndState(_, s) => Some(s),
            _ => None,
        }
    }

    /// The state itself, if it was asked for: to hand it on.
    pub fn into_state(self) -> Option<S> {
        match self {
            Output::LastAndState(_, s) | Output::SequencesAndState(_, s) => Some(s),
            _ => None,
        }
    }

    /// The flags that lead to this variant.
    pub fn returns(&self) -> Returns {
        Returns {
            sequences: self.sequences().is_some(),
            state: self.state().is_some(),
        }
    }
}
