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
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn measures() {
        assert_eq!(measure("1"), (1, 0));
        assert_eq!(measure(r#"{"a\"[[": [1, 2, {"b": []}]}"#), (7, 4));
    }

    #[test]
    fn refuses() {
        let mut limits = Limits::default();
        let found = |text: &str, limits: &Limits| {
            parse(text, "config.json", limits).unwrap_err().to_string()
        };
        assert!(found("{\"a\": ", &limits).starts_with("config.json: found EOF"));
        let deep = "[".repeat(20_000);
        let message = "config.json: found 20000, expected JSON nested at most 64 deep";
        assert_eq!(found(&deep, &limits), message);
        limits.entries = 1;
        let wide = format!("[{}0]", "0,".repeat(20));
        assert_eq!(
            found(&wide, &limits),
            "config.json: found 22, expected at most 16 values"
        );
        limits.text_bytes = 2;
        assert_eq!(
            found("[1]", &limits),
            "config.json: found 3 bytes, expected a text of at most 2 bytes"
        );
    }
}
