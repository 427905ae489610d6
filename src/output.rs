//! `Output` and `Returns`: what a pass returns, and the two flags that select it.

use ndarray::{Array2, Array3};

/// Keras' flags `return_sequences` and `return_state` as values, as configurations and files have them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Returns {
    /// `return_sequences`: whether to return the output of every timestep instead of the last one.
    pub sequences: bool,
    /// `return_state`: whether to return the state after the last timestep as well.
    pub state: bool,
}

/// The result of a pass. The variants are named like the verbs of [`Run`](crate::Run).
///
/// | `return_sequences` | `return_state` | variant | shape of the array |
/// | --- | --- | --- | --- |
/// | false | false | `Last` | (samples, units) |
/// | false | true | `LastAndState` | (samples, units) |
/// | true | false | `Sequences` | (samples, timesteps, units) |
/// | true | true | `SequencesAndState` | (samples, timesteps, units) |
///
/// `Last` holds the last *appended output*, which can differ from `state.h`: see [`Run::last`](crate::Run::last).
#[derive(Clone, Debug, PartialEq)]
pub enum Output<A, S> {
    /// The last output, (samples, units).
    Last(Array2<A>),
    /// The last output, (samples, units), and the state after it.
    LastAndState(Array2<A>, S),
    /// The output of every timestep, (samples, timesteps, units).
    Sequences(Array3<A>),
    /// The output of every timestep, (samples, timesteps, units), and the state after the last one.
    SequencesAndState(Array3<A>, S),
}

impl<A, S> Output<A, S> {
    /// The last output, or `None` if the pass returned sequences.
    pub fn last(&self) -> Option<&Array2<A>> {
        match self {
            Output::Last(y) | Output::LastAndState(y, _) => Some(y),
            _ => None,
        }
    }

    /// The output of every timestep, or `None` if the pass returned the last one only.
    pub fn sequences(&self) -> Option<&Array3<A>> {
        match self {
            Output::Sequences(y) | Output::SequencesAndState(y, _) => Some(y),
            _ => None,
        }
    }

    /// Takes the last output out, or returns `None` if the pass returned sequences.
    pub fn into_last(self) -> Option<Array2<A>> {
        match self {
            Output::Last(y) | Output::LastAndState(y, _) => Some(y),
            _ => None,
        }
    }

    /// Takes the output of every timestep out, or returns `None` if the pass returned the last one only.
    pub fn into_sequences(self) -> Option<Array3<A>> {
        match self {
            Output::Sequences(y) | Output::SequencesAndState(y, _) => Some(y),
            _ => None,
        }
    }

    /// The state, or `None` if the pass did not return it.
    pub fn state(&self) -> Option<&S> {
        match self {
            Output::LastAndState(_, s) | Output::SequencesAndState(_, s) => Some(s),
            _ => None,
        }
    }

    /// Takes the state out, or returns `None` if the pass did not return it.
    pub fn into_state(self) -> Option<S> {
        match self {
            Output::LastAndState(_, s) | Output::SequencesAndState(_, s) => Some(s),
            _ => None,
        }
    }

    /// The flags that select this variant.
    pub fn returns(&self) -> Returns {
        Returns {
            sequences: self.sequences().is_some(),
            state: self.state().is_some(),
        }
    }
}
