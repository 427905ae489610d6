//! `Limits`: how much a file may ask of its reader.

/// How much a file may ask of its reader.
///
/// Everything in a file is taken for a claim until it is checked. The defaults let pass every model that this crate is
/// meant for; lower them for files of strangers.
///
/// ```
/// use recurrent::Limits;
/// let mut limits = Limits::default();
/// limits.inflated_bytes = 64 << 20;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest file, in bytes. Default: 16 GiB.
    pub file_bytes: u64,
    /// What decompression may make of one file altogether, in bytes; and what an array of it may take as the numbers that are
    /// asked for, which can be wider than those in the file. Default: 2 GiB.
    pub inflated_bytes: u64,
    /// The longest text, in bytes: a configuration, a header, a string attribute. Default: 16 MiB.
    pub text_bytes: usize,
    /// How many things of one kind a file may hold: arrays, groups and links, members of an archive, nodes of a graph;
    /// a text may hold 16 times as many values. Default: 65 536.
    pub entries: usize,
    /// How deep groups, configurations and graphs may be nested. Default: 64.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            file_bytes: 16 << 30,
            inflated_bytes: 2 << 30,
            text_bytes: 16 << 20,
            entries: 1 << 16,
            depth: 64,
        }
    }
}
