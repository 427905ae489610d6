//! `Tally`: how many cases of a family ran, and all that failed.

use std::fmt::Display;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Counts the cases of a family, part by part. A failure hides none of the cases after it.
pub struct Tally {
    family: String,
    /// What is counted apart, as each instruction set, and how many cases of it ran.
    parts: Vec<(String, usize)>,
    worst: (f64, String),
    failures: Vec<String>,
}

impl Tally {
    pub fn new(family: impl Into<String>) -> Self {
        Tally {
            family: family.into(),
            parts: Vec::new(),
            worst: (0.0, String::new()),
            failures: Vec::new(),
        }
    }

    /// The cases from here on are counted under this name.
    pub fn part(&mut self, name: impl Into<String>) {
        self.parts.push((name.into(), 0));
    }

    /// Runs a case, which returns its largest difference. A panic fails this case only.
    pub fn case<E: Display>(&mut self, id: &str, run: impl FnOnce() -> Result<f64, E>) {
        let (part, count) = self.parts.last_mut().expect("a part before its cases");
        *count += 1;
        let said = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(difference)) => {
                if difference > self.worst.0 {
                    self.worst = (difference, format!("{id} {part}"));
                }
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "panicked".into(),
        };
        self.failures.push(format!("{id} {part}: {said}"));
    }

    /// Prints one line of counts, and panics with the list of all failures, or if fewer than `least` cases ran.
    #[track_caller]
    pub fn finish(self, least: usize) {
        let all: usize = self.parts.iter().map(|(_, count)| count).sum();
        let counts = self.parts.iter();
        let counts: Vec<_> = counts
            .map(|(part, count)| {
                format!("{count} case{} {part}", if *count == 1 { "" } else { "s" })
            })
            .collect();
        let worst = match &self.worst {
            (0.0, _) => String::new(),
            (worst, case) => format!("; the largest difference is {worst:.1e}: {case}"),
        };
        let said = if counts.is_empty() {
            "0 cases, this set does not have the family".into()
        } else {
            counts.join(", ")
        };
        let line = format!("{}: {said}{worst}", self.family);
        // Past the capturing of `println!`: how many cases ran is always said.
        let _ = writeln!(std::io::stderr(), "{line}");
        assert!(
            self.failures.is_empty(),
            "{}: {} of {all} failed\n  {}",
            self.family,
            self.failures.len(),
            self.failures.join("\n  ")
        );
        assert!(all >= least, "{line}, expected {least} or more");
    }
}
