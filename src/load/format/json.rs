//! JSON: configurations.

use crate::Limits;
use crate::error::{Error, Result};
use alloc::format;

pub use serde_json::Value;

/// How many values a text may hold for each of [`Limits::entries`].
const VALUES_PER_ENTRY: usize = 16;

/// Parses a text whose depth, length and number of values are within the limits.
///
/// A value takes many times the memory of its text (`[0,0,0` …), so they are counted before any is made.
pub fn parse(text: &str, part: &str, limits: &Limits) -> Result<Value> {
    let most = limits.text_bytes;
    if text.len() > most {
        let found = format!("{} bytes", text.len());
        return Err(Error::file(
            part,
            format!("a text of at most {most} bytes"),
            found,
        ));
    }
    let (values, depth) = measure(text);
    if depth > limits.depth {
        let expected = format!("JSON nested at most {} deep", limits.depth);
        return Err(Error::file(part, expected, depth));
    }
    check_values(values, part, limits)?;
    serde_json::from_str(text).map_err(|error| Error::file(part, "JSON", error))
}

/// Refuses a text of more values than the limits allow.
#[cfg(feature = "safetensors")]
pub(super) fn check(text: &str, part: &str, limits: &Limits) -> Result<()> {
    check_values(measure(text).0, part, limits)
}

fn check_values(values: usize, part: &str, limits: &Limits) -> Result<()> {
    let most = limits.entries.saturating_mul(VALUES_PER_ENTRY);
    if values <= most {
        return Ok(());
    }
    Err(Error::file(part, format!("at most {most} values"), values))
}

/// At least the number of values, and the depth, of a text that is JSON.
fn measure(text: &str) -> (usize, usize) {
    let (mut values, mut depth, mut deepest) = (1usize, 0usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                while let Some(byte) = bytes.next()
                    && byte != b'"'
                {
                    if byte == b'\\' {
                        bytes.next();
                    }
                }
            }
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

#[cfg(test)]
mod tests;
