//! `Config`: the arguments of a layer, each of which has to be read.

use crate::Padding;
use crate::error::{Error, Result};
use crate::format::json::{self, Value};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;
use serde_json::Map;

/// Arguments that change no number at inference, whatever their value.
const INERT: [&str; 37] = [
    // What it is called, and what goes in.
    "name",
    "trainable",
    "batch_input_shape",
    "batch_shape",
    "input_shape",
    "input_dim",
    "input_length",
    "input_dtype",
    "optional",
    // How it starts and how it is trained.
    "unit_forget_bias",
    "dropout",
    "recurrent_dropout",
    "rate",
    "stddev",
    "noise_shape",
    "seed",
    "l1",
    "l2",
    "momentum",
    "synchronized",
    "renorm_clipping",
    "renorm_momentum",
    "lora_rank",
    "lora_alpha",
    "init",
    "inner_init",
    "forget_bias_init",
    "gamma_init",
    "beta_init",
    "p",
    "sigma",
    "dropout_W",
    "dropout_U",
    // How it is computed.
    "implementation",
    "consume_less",
    "autocast",
    "build_input_shape",
];

/// The same by the ends of their names.
const INERT_ENDS: [&str; 3] = ["_initializer", "_regularizer", "_constraint"];

/// A JSON object that remembers which of its keys were read, so that [`done`](Self::done) can refuse one that nobody
/// knows. `null` is Keras' word for "not given" and read as such.
pub struct Config<'j> {
    part: String,
    object: Option<&'j Map<String, Value>>,
    read: RefCell<BTreeSet<&'static str>>,
}

impl<'j> Config<'j> {
    pub fn new(part: String, value: &'j Value) -> Result<Self> {
        let Some(object) = value.as_object() else {
            return Err(Error::file(part, "a JSON object", shown(value)));
        };
        Ok(Config {
            part,
            object: Some(object),
            read: RefCell::default(),
        })
    }

    /// The arguments of something that a file names and says no more of.
    #[cfg(feature = "train")]
    pub fn empty(part: String) -> Self {
        Config {
            part,
            object: None,
            read: RefCell::default(),
        }
    }

    /// What it is the configuration of, for errors.
    pub fn part(&self) -> &str {
        &self.part
    }

    /// The value of a key, unless it is missing or null.
    pub fn optional(&self, key: &'static str) -> Option<&'j Value> {
        self.read.borrow_mut().insert(key);
        let value = self.object.and_then(|object| object.get(key));
        value.filter(|value| !value.is_null())
    }

    /// Whether it says `null`, where that is not the same as nothing.
    pub fn is_null(&self, key: &'static str) -> bool {
        let value = self.object.and_then(|object| object.get(key));
        value.is_some_and(Value::is_null)
    }

    pub fn get(&self, key: &'static str) -> Result<&'j Value> {
        let missing = || self.refuse(key, "a value", "none");
        self.optional(key).ok_or_else(missing)
    }

    /// The value as what it must be.
    fn typed<T>(
        &self,
        key: &'static str,
        expected: &str,
        default: Option<T>,
        cast: impl Fn(&'j Value) -> Option<T>,
    ) -> Result<T> {
        let found = match (self.optional(key), default) {
            (Some(value), _) => cast(value).ok_or_else(|| shown(value)),
            (None, Some(default)) => Ok(default),
            (None, None) => Err("none".into()),
        };
        found.map_err(|found| self.refuse(key, expected, found))
    }

    /// A flag that is false unless it is set.
    pub fn flag(&self, key: &'static str) -> Result<bool> {
        self.bool_or(key, false)
    }

    pub fn bool_or(&self, key: &'static str, default: bool) -> Result<bool> {
        // Keras 1 and other writers put numbers for them.
        let cast = |value: &Value| value.as_bool().or_else(|| value.as_u64().map(|n| n != 0));
        self.typed(key, "true or false", Some(default), cast)
    }

    pub fn count(&self, key: &'static str) -> Result<usize> {
        self.typed(key, "a count of at least 1", None, |value| {
            whole(value).filter(|&n| n > 0)
        })
    }

    pub fn number_or(&self, key: &'static str, default: f64) -> Result<f64> {
        self.typed(key, "a number", Some(default), number)
    }

    /// A number that may be missing.
    #[cfg(feature = "train")]
    pub fn some_number(&self, key: &'static str) -> Result<Option<f64>> {
        let given = self.optional(key).is_some();
        given.then(|| self.number(key)).transpose()
    }

    #[cfg(feature = "train")]
    pub fn number(&self, key: &'static str) -> Result<f64> {
        self.typed(key, "a number", None, number)
    }

    /// A number of steps, which may be missing.
    #[cfg(feature = "train")]
    pub fn some_steps(&self, key: &'static str) -> Result<Option<u64>> {
        let given = self.optional(key).is_some();
        given.then(|| self.steps(key)).transpose()
    }

    /// A number of steps, which Python may write as `100.0`.
    #[cfg(feature = "train")]
    pub fn steps(&self, key: &'static str) -> Result<u64> {
        self.typed(key, "a whole number of steps", None, steps)
    }

    /// A number that has to be finite; Python also writes NaN and Infinity.
    pub fn finite_or(&self, key: &'static str, default: f64) -> Result<f64> {
        let cast = |value: &Value| number(value).filter(|number| number.is_finite());
        self.typed(key, "a finite number", Some(default), cast)
    }

    pub fn integer_or(&self, key: &'static str, default: isize) -> Result<isize> {
        self.typed(key, "a whole number", Some(default), integer)
    }

    pub fn text_or(&self, key: &'static str, default: &'static str) -> Result<&'j str>
    where
        'static: 'j,
    {
        self.typed(key, "a text", Some(default), Value::as_str)
    }

    /// A number, or a list of them, as a list.
    pub fn integers(&self, key: &'static str, default: &[isize]) -> Result<Vec<isize>> {
        let cast = |value: &Value| match items(value) {
            Some(list) => list.iter().map(integer).collect(),
            None => integer(value).map(|n| [n].into()),
        };
        self.typed(key, "whole numbers", Some(default.into()), cast)
    }

    /// Lengths of axes, of which some are open; `None` if there are none.
    pub fn open_shape(&self, key: &'static str) -> Result<Option<Vec<Option<usize>>>> {
        let len = |value: &Value| match value {
            Value::Null => Some(None),
            value => whole(value).map(Some),
        };
        let cast = |value: &Value| items(value)?.iter().map(len).collect::<Option<Vec<_>>>();
        let given = self.optional(key).is_some();
        given
            .then(|| self.typed(key, "lengths of axes, or null", None, cast))
            .transpose()
    }

    /// A count, or a list of one count.
    pub fn count_of_axis(&self, key: &'static str, default: Option<usize>) -> Result<usize> {
        let cast = |value: &Value| {
            let value = match items(value) {
                Some([value]) => value,
                Some(_) => return None,
                None => value,
            };
            whole(value).filter(|&n| n > 0)
        };
        self.typed(key, "a count of at least 1", default, cast)
    }

    /// Two counts, before and after; or one for both.
    pub fn both_ends(&self, key: &'static str) -> Result<[usize; 2]> {
        let cast = |value: &Value| match items(value) {
            Some([before, after]) => Some([whole(before)?, whole(after)?]),
            Some([both]) => whole(both).map(|n| [n, n]),
            Some(_) => None,
            None => whole(value).map(|n| [n, n]),
        };
        self.typed(key, "one count or two", Some([1, 1]), cast)
    }

    /// A count for the height and one for the width; or one for both.
    pub fn counts_of_image(
        &self,
        key: &'static str,
        default: Option<[usize; 2]>,
    ) -> Result<[usize; 2]> {
        let cast = |value: &Value| {
            let counts = both(value, whole)?;
            (!counts.contains(&0)).then_some(counts)
        };
        self.typed(key, "one count or two, of at least 1", default, cast)
    }

    /// Two counts, before and after, for the height and for the width; or one for both ends of an axis or of all.
    pub fn ends_of_image(&self, key: &'static str, default: [usize; 2]) -> Result<[[usize; 2]; 2]> {
        let cast = |value: &Value| both(value, |ends| both(ends, whole));
        self.typed(
            key,
            "one count or two, or two of each",
            Some([default; 2]),
            cast,
        )
    }

    /// Refuses a value other than the one that is known.
    pub fn only(&self, key: &'static str, known: &str) -> Result<()> {
        match self.optional(key) {
            None => Ok(()),
            Some(value) if value.as_str() == Some(known) => Ok(()),
            Some(value) if shown(value) == known => Ok(()),
            Some(value) => Err(self.refuse(key, known, shown(value))),
        }
    }

    /// Refuses features before timesteps.
    pub fn channels_last(&self) -> Result<()> {
        self.only("data_format", "channels_last")
    }

    pub fn padding(&self) -> Result<Padding> {
        match self.text_or("padding", "valid")? {
            "valid" => Ok(Padding::Valid),
            "same" => Ok(Padding::Same),
            "causal" => Ok(Padding::Causal),
            other => Err(self.refuse("padding", "valid, same or causal", other)),
        }
    }

    /// The only one of a list of axes.
    pub fn axis_or(&self, default: isize) -> Result<isize> {
        match self.integers("axis", &[default])?.as_slice() {
            [axis] => Ok(*axis),
            axes => Err(self.refuse("axis", "one axis", axes.len())),
        }
    }

    pub fn refuse(&self, key: &str, expected: impl ToString, found: impl ToString) -> Error {
        Error::file(format!("{}: {key}", self.part), expected, found)
    }

    /// Refuses keys that were not read and may change numbers.
    pub fn done(&self) -> Result<()> {
        let read = self.read.borrow();
        let known = |key: &str| {
            read.contains(key)
                || INERT.contains(&key)
                || INERT_ENDS.iter().any(|end| key.ends_with(end))
        };
        for (key, value) in self.object.into_iter().flatten() {
            if !known(key) && !value.is_null() {
                let expected = "no argument of this name: it may change the numbers";
                return Err(self.refuse(key, expected, shown(value)));
            }
        }
        Ok(())
    }
}

/// The items of a list, or of a tuple as Keras 3 writes it.
pub fn items(value: &Value) -> Option<&[Value]> {
    let list = match value.get("class_name").and_then(Value::as_str) {
        Some("__tuple__") => value.get("items")?,
        _ => value,
    };
    list.as_array().map(Vec::as_slice)
}

/// The two items of a list, or twice the value that is no list.
fn both<T: Copy>(value: &Value, cast: impl Fn(&Value) -> Option<T>) -> Option<[T; 2]> {
    match items(value) {
        Some([first, second]) => Some([cast(first)?, cast(second)?]),
        Some(_) => None,
        None => cast(value).map(|value| [value, value]),
    }
}

pub fn whole(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|n| usize::try_from(n).ok())
}

pub fn integer(value: &Value) -> Option<isize> {
    value.as_i64().and_then(|n| isize::try_from(n).ok())
}

/// A number of steps, which Python may write as `100.0`.
#[cfg(feature = "train")]
pub fn steps(value: &Value) -> Option<u64> {
    let integer = || {
        let steps = number(value).filter(|&n| libm::trunc(n).total_cmp(&n).is_eq())?;
        num_traits::NumCast::from(steps)
    };
    value.as_u64().or_else(integer)
}

/// A number, also as old Keras wrote those that numpy had made.
fn number(value: &Value) -> Option<f64> {
    json::number(value).or_else(|| value.get("value").and_then(json::number))
}

/// A value as it stands in the file, cut where it is long.
pub fn shown(value: &Value) -> String {
    const MOST: usize = 80;
    let text = json::shown(value);
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text,
    }
}
