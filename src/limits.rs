//! `Limits`: how much memory and work a file may demand from its reader.

/// How much memory and work a file may demand from its reader.
///
/// Everything in a file is checked before it is trusted. The defaults accept every model that this crate is meant for. For
/// files from strangers, lower them and read with the functions that end in `_within`.
///
/// Loading needs at most about the memory of the file and one or two copies of its arrays. Of a large file on disk only the
/// requested parts are read, unless they are most of it; `keras::Weights` and `npz::File` hold the whole file. Only
/// compressed arrays can be larger than their file, and `inflated_bytes` limits them. So `file_bytes` and `inflated_bytes`
/// together limit the memory of loading. They do not limit what a loaded model needs when it runs: a `RepeatVector` may
/// repeat as often as its file says.
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
    /// The largest size of a file, in bytes. If the arrays of a model lie in further files, it applies to each of them.
    /// Default: 16 GiB.
    pub file_bytes: u64,
    /// The largest size of everything decompressed from one file, in bytes. It also applies to each array in the type that
    /// is asked for, which can be wider than the type in the file. Default: 2 GiB.
    pub inflated_bytes: u64,
    /// The longest text, in bytes: a configuration, a header, a string attribute or a name in an ONNX file. Default: 16
    /// MiB.
    pub text_bytes: usize,
    /// The largest number of things of one kind in a file: arrays, groups and links, members of an archive, nodes of a
    /// graph. A text may hold 16 times as many values. Default: 65 536.
    pub entries: usize,
    /// The deepest nesting of groups, configurations and graphs. Default: 64.
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
