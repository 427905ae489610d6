//! `Version`: the version of Keras that wrote a file, and the defaults that follow from it.

use crate::Activation;
use crate::error::{Error, Result};
use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// The version of Keras that wrote a file: `2.2.4`, `2.2.4-tf` (the one in TensorFlow), `3.15.1` and so on.
///
/// It decides the values that a file leaves out, and the meaning of `hard_sigmoid`:
///
/// | | Keras 1 | 2.0 to 2.2 | 2.3 | 2.x of TensorFlow 2 | 3 |
/// | --- | --- | --- | --- | --- | --- |
/// | `recurrent_activation` that is not in the file | hard_sigmoid | hard_sigmoid | sigmoid | sigmoid | sigmoid |
/// | `reset_after` that is not in the file | false | false | false | true | true |
/// | `hard_sigmoid` | 0.2x + 0.5 | 0.2x + 0.5 | 0.2x + 0.5 | 0.2x + 0.5 | x/6 + 0.5 |
///
/// TensorFlow 1 has the defaults of 2.2. Both it and TensorFlow 2.0 write `2.2.4-tf`, so this version decides nothing that
/// is not in the file.
///
/// ```
/// use recurrent::keras::Version;
/// let version: Version = "2.2.4-tf".parse()?;
/// assert_eq!(version.major(), 2);
/// assert!("two".parse::<Version>().is_err());
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    numbers: [u32; 3],
    text: String,
}

impl Version {
    /// Of files that do not say: Keras said so from 1.2 on.
    pub(super) fn first() -> Self {
        Version {
            numbers: [1, 0, 0],
            text: "1".into(),
        }
    }

    /// Of what only Keras 3 writes, where it does not say which: most likely one with the rules of today.
    pub(super) fn third() -> Self {
        Version {
            numbers: [3, 4, 0],
            text: "3".into(),
        }
    }

    /// 1, 2 or 3.
    pub fn major(&self) -> u32 {
        self.numbers[0]
    }

    /// Whether it is the Keras of TensorFlow; since 2.4 there is no other one.
    fn is_tensorflow(&self) -> bool {
        self.text.ends_with("-tf") || self.major() == 2 && self.numbers >= [2, 4, 0]
    }

    /// The gate activation of a cell whose file does not state it; `None` if this version does not decide it.
    pub(super) fn recurrent_activation(&self) -> Option<Activation> {
        match self.numbers {
            [2, 2, 4] if self.is_tensorflow() => None,
            numbers if numbers < [2, 3, 0] => Some(Activation::HARD_SIGMOID_KERAS2),
            _ => Some(Activation::Sigmoid),
        }
    }

    /// The form of the reset gate of a cell whose file does not state it.
    pub(super) fn reset_after(&self) -> Option<bool> {
        match self.numbers {
            [2, 2, 4] if self.is_tensorflow() => None,
            numbers if numbers < [2, 3, 0] => Some(false),
            _ => Some(self.major() > 2 || self.is_tensorflow()),
        }
    }

    /// The meaning of `hard_sigmoid`.
    pub(super) fn hard_sigmoid(&self) -> Activation {
        if self.major() < 3 {
            Activation::HARD_SIGMOID_KERAS2
        } else {
            Activation::HARD_SIGMOID
        }
    }

    /// Whether masked steps in the sequences of a `Bidirectional` repeat the previous output instead of being 0.
    pub(super) fn repeats_masked(&self) -> bool {
        self.major() < 3 && !self.is_tensorflow()
    }

    /// Whether `Multiply`, `Maximum` … look at masks, and what they take in stays where any mask is true.
    pub(super) fn merges_by_masks(&self) -> bool {
        self.numbers >= [3, 4, 0]
    }

    /// Whether stacked cells give and take their states from the top down.
    pub(super) fn reverses_states(&self) -> bool {
        self.numbers < [2, 2, 3] && !self.is_tensorflow()
    }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digits = |part: &str| {
            let end = part.find(|c: char| !c.is_ascii_digit());
            part[..end.unwrap_or(part.len())].parse::<u32>().ok()
        };
        let mut parts = text.split('.');
        let major = parts.next().and_then(digits);
        let Some(major) = major.filter(|major| (1..=3).contains(major)) else {
            let expected = "a version of Keras 1, 2 or 3, like 2.2.4";
            return Err(Error::value("version", expected, text));
        };
        let mut next = || parts.next().and_then(digits).unwrap_or(0);
        Ok(Version {
            numbers: [major, next(), next()],
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
