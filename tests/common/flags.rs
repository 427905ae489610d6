//! `Flags`: what a Keras layer returns, and how it goes through time.

use super::Outcome;
use super::fields::Fields;
use recurrent::{Layer, Recurrent, Returns};

/// The flags of a Keras layer.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Keras' own
pub struct Flags {
    pub return_sequences: bool,
    pub return_state: bool,
    pub stateful: bool,
    pub go_backwards: bool,
    pub zero_output_for_mask: bool,
}

impl Flags {
    pub fn read(config: &Fields) -> Outcome<Self> {
        config.ignore(&["unroll"]);
        Ok(Flags {
            return_sequences: config.bool("return_sequences")?,
            return_state: config.bool("return_state")?,
            stateful: config.bool("stateful")?,
            go_backwards: config.bool("go_backwards")?,
            zero_output_for_mask: config.bool("zero_output_for_mask")?,
        })
    }

    pub fn layer<R: Recurrent>(self, of: R) -> Layer<R> {
        Layer::new(of)
            .return_sequences(self.return_sequences)
            .return_state(self.return_state)
            .stateful(self.stateful)
            .go_backwards(self.go_backwards)
            .zero_output_for_mask(self.zero_output_for_mask)
    }

    /// Of a cell in a stack: all outputs and the state.
    pub fn inside() -> Self {
        Flags {
            return_sequences: true,
            return_state: true,
            stateful: false,
            go_backwards: false,
            zero_output_for_mask: false,
        }
    }

    pub fn returns(self) -> Returns {
        Returns {
            sequences: self.return_sequences,
            state: self.return_state,
        }
    }
}
