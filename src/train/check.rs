//! Checks of the numbers that a user gives to an optimiser.

use crate::error::{Error, Result};

/// Refuses a number that is not `good`.
pub(crate) fn check(good: bool, name: &'static str, expected: &str, found: f64) -> Result<()> {
    if good {
        return Ok(());
    }
    Err(Error::value(name, expected, found))
}

/// Refuses a number that is not finite, or not larger than 0.
pub(crate) fn positive(name: &'static str, x: f64) -> Result<()> {
    let good = x.is_finite() && x > 0.0;
    check(good, name, "a finite number above 0", x)
}

/// Refuses a number that is not finite, or smaller than 0.
pub(crate) fn not_negative(name: &'static str, x: f64) -> Result<()> {
    let good = x.is_finite() && x >= 0.0;
    check(good, name, "a finite number, 0 or more", x)
}

/// Refuses a number outside of 0..=1.
pub(crate) fn share(name: &'static str, x: f64) -> Result<()> {
    check((0.0..=1.0).contains(&x), name, "a number from 0 to 1", x)
}

/// Refuses a number outside of 0..1.
pub(crate) fn below_one(name: &'static str, x: f64) -> Result<()> {
    check((0.0..1.0).contains(&x), name, "0 or more, below 1", x)
}

/// Refuses a count of 0.
pub(crate) fn at_least_one(name: &'static str, count: u64) -> Result<()> {
    if count > 0 {
        return Ok(());
    }
    Err(Error::value(name, "1 or more", count))
}
