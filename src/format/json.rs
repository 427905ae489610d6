//! JSON: configurations; also as Python writes it, which has more words than JSON.

use super::error::{Error, Result};
use crate::Limits;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};

pub use serde_json::Value;

/// How many values a text may hold for each of [`Limits::entries`].
const VALUES_PER_ENTRY: usize = 16;

/// The words of Python that JSON does not have.
const WORDS: [(&str, f64); 3] = [
    ("NaN", f64::NAN),
    ("Infinity", f64::INFINITY),
    ("-Infinity", f64::NEG_INFINITY),
];
/// The only key of the object that stands for one of them, with the word as its value: a [`Value`] cannot hold the number.
const KEY: &str = "__not_finite__";

/// Parses a text whose depth, length and number of values are within the limits.
///
/// A value takes many times the memory of its text (`[0,0,0` …), so they are counted before any is made.
pub fn parse(text: &str, part: &str, limits: &Limits) -> Result<Value> {
    check_all(text, part, limits)?;
    serde_json::from_str(text).map_err(|error| Error::new(part, "JSON", error))
}

/// [`parse`] for a text as Python writes it: it may have the words `NaN`, `Infinity` and `-Infinity`. [`number`] reads what
/// becomes of them, [`shown`] writes them again.
pub fn parse_python(text: &str, part: &str, limits: &Limits) -> Result<Value> {
    check_all(text, part, limits)?;
    let text = without_words(text);
    // Each of them is an object now, which takes the memory of two values.
    check_values(measure(&text).0, part, limits)?;
    serde_json::from_str(&text).map_err(|error| Error::new(part, "JSON", error))
}

/// The text with an object in place of each word. Where a word stands that no value could, JSON does not allow the object
/// either.
fn without_words(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let (mut json, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(&byte) = bytes.get(at) {
        let word = match byte {
            b'"' => {
                at += 1 + after_string(&bytes[at + 1..]);
                continue;
            }
            b'N' | b'I' | b'-' => WORDS.iter().find(|word| text[at..].starts_with(word.0)),
            _ => None,
        };
        let Some((word, _)) = word else {
            at += 1;
            continue;
        };
        json.push_str(&text[copied..at]);
        json.push_str(&in_place_of(word));
        at += word.len();
        copied = at;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    json.push_str(&text[copied..]);
    Cow::Owned(json)
}

fn in_place_of(word: &str) -> String {
    format!("{{\"{KEY}\":\"{word}\"}}")
}

/// A number, finite or not.
pub fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| {
        let said = value.get(KEY)?.as_str()?;
        let word = WORDS.iter().find(|(word, _)| *word == said);
        word.map(|&(_, number)| number)
    })
}

/// The text of a value, as Python writes it.
pub fn shown(value: &Value) -> String {
    let text = value.to_string();
    WORDS.iter().fold(text, |text, (word, _)| {
        text.replace(&in_place_of(word), word)
    })
}

fn check_all(text: &str, part: &str, limits: &Limits) -> Result<()> {
    let most = limits.text_bytes;
    if text.len() > most {
        let found = format!("{} bytes", text.len());
        return Err(Error::new(
            part,
            format!("a text of at most {most} bytes"),
            found,
        ));
    }
    let (values, depth) = measure(text);
    if depth > limits.depth {
        let expected = format!("JSON nested at most {} deep", limits.depth);
        return Err(Error::new(part, expected, depth));
    }
    check_values(values, part, limits)
}

/// Refuses a text of more values than the limits allow.
#[cfg(any(feature = "torch", feature = "saved"))]
pub(super) fn check(text: &str, part: &str, limits: &Limits) -> Result<()> {
    check_values(measure(text).0, part, limits)
}

fn check_values(values: usize, part: &str, limits: &Limits) -> Result<()> {
    let most = limits.entries.saturating_mul(VALUES_PER_ENTRY);
    if values <= most {
        return Ok(());
    }
    Err(Error::new(part, format!("at most {most} values"), values))
}

/// At least the number of values, and the depth, of a text that is JSON.
fn measure(text: &str) -> (usize, usize) {
    let (mut values, mut depth, mut deepest) = (1usize, 0usize, 0);
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at += after_string(&bytes[at..]),
            b'[' | b'{' => {
                values += 1;
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
    }
    (values, deepest)
}

/// How many bytes a string takes, after the quote that it begins with: all of them if it has no end.
fn after_string(bytes: &[u8]) -> usize {
    let mut escaped = false;
    let end = bytes.iter().position(|&byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(bytes.len(), |end| end + 1)
}

#[cfg(test)]
mod tests;
