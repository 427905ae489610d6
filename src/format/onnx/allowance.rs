//! `Allowance`: what reading a model may use up.

use super::super::meter::Meter;
use crate::Limits;
use alloc::collections::BTreeSet;
use alloc::string::String;
use core::cell::RefCell;

/// A file holds at most this many inputs and outputs of nodes for each of [`Limits::entries`]; other things count more.
const NAMES_PER_ENTRY: u64 = 16;
/// What a node, and what an attribute or an array, counts: as many names as take its memory.
pub(super) const NODE: u64 = NAMES_PER_ENTRY;
pub(super) const ATTRIBUTE: u64 = NAMES_PER_ENTRY / 4;

/// What reading may use up.
pub(super) struct Allowance<'l> {
    pub entries: Meter,
    /// The files that arrays are in.
    pub external: RefCell<BTreeSet<String>>,
    pub limits: &'l Limits,
}

impl<'l> Allowance<'l> {
    pub fn new(limits: &'l Limits) -> Self {
        let entries = NAMES_PER_ENTRY.saturating_mul(limits.entries as u64);
        Allowance {
            entries: Meter::new("names (a node counts 16, an attribute 4)", entries),
            external: RefCell::default(),
            limits,
        }
    }
}
