//! The golden files that lie: each is an error or loads, as its label says.

use crate::data::{chosen, least};
use crate::tally::Tally;
use serde_json::Value;
use std::time::{Duration, Instant};

/// A file, and what must become of it.
pub struct Liar {
    pub file: String,
    pub bytes: Vec<u8>,
    /// `error`, `load` or `either`.
    pub expect: String,
    /// Whether what loads is full of NaN.
    nan: bool,
}

/// The files whose names end in one of these.
pub fn liars(ends: &[&str]) -> Vec<Liar> {
    let Some(folder) = chosen("adversarial") else {
        return Vec::new();
    };
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let cases: Vec<Value> = serde_json::from_slice(&read("cases.json")).unwrap();
    let text = |case: &Value, key: &str| case[key].as_str().unwrap_or_default().to_string();
    let liars = cases.iter().map(|case| Liar {
        bytes: read(&text(case, "file")),
        file: text(case, "file"),
        expect: text(case, "expect"),
        nan: text(case, "what").contains("NaN"),
    });
    liars
        .filter(|liar| ends.iter().any(|end| liar.file.ends_with(end)))
        .collect()
}

/// Loads each file, in a second at most. `load` tells whether the numbers of what it loaded are NaN.
pub fn check(
    loader: &str,
    liars: &[Liar],
    ours: usize,
    load: impl Fn(&Liar) -> recurrent::Result<bool>,
) {
    let mut tally = Tally::new(format!("adversarial for {loader}"));
    if chosen("adversarial").is_some() {
        tally.part("in all");
    }
    for liar in liars {
        tally.case(&liar.file, || {
            let start = Instant::now();
            let result = load(liar);
            let time = start.elapsed();
            if time > Duration::from_secs(1) {
                return Err(format!("took {time:?}"));
            }
            match (liar.expect.as_str(), result) {
                ("error" | "either", Err(_)) | ("either", Ok(_)) => Ok(0.0),
                ("load", Ok(nan)) if nan == liar.nan => Ok(0.0),
                ("load", Ok(nan)) => Err(format!("NaN is {nan}, expected {}", liar.nan)),
                ("error", Ok(_)) => Err("loads, expected an error".into()),
                ("load", Err(error)) => Err(format!("{error}, expected that it loads")),
                (other, _) => Err(format!("expects {other:?}")),
            }
        });
    }
    tally.finish(least(ours));
}
