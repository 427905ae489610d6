//! `Limits`: how much a file may ask of its reader.

/// How much a file may ask of its reader.
///
/// Everything in a file is taken for a claim until it is checked. The defaults let pass every model that this crate is
/// meant for. For files of strangers, lower them, and read with the functions that end in `_within`.
///
/// Loading takes at most about the file, and its arrays once or twice. Of a large file on disk only what is asked for is read,
/// unless that is most of it; `keras::Weights` and `npz::File` hold the whole file. Only compressed arrays can be larger than
/// their file, and `inflated_bytes` bounds those. So a cap on memory is one on `file_bytes` and on `inflated_bytes`. What a
/// loaded model takes when it runs is another matter: a `RepeatVector` may repeat as often as its file says.
///
/// ```
/// use recurrent::Limits;
/// let mut limits = Limits::default();
/// limits.file_bytes = 100 << 20;
/// limits.inflated_bytes = 100 << 20;
/// # #[cfg(feature = "keras")]
/// assert!(recurrent::keras::read_within::<f32>(b"PK", &limits).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest file, in bytes; each of the files beside it, too, if a model has its arrays there. Default: 16 GiB.
    pub file_bytes: u64,
    /// What decompression may make of one file altogether, in bytes; and what an array of it may take as the numbers that are
    /// asked for, which can be wider than those in the file. Default: 2 GiB.
    pub inflated_bytes: u64,
    /// The longest text, in bytes: a configuration, a header, a string attribute, a name in an ONNX file. Default: 16 MiB.
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
