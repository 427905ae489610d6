//! `Written`: what was changed in a copy of a file.

use alloc::string::String;
use alloc::vec::Vec;

/// What [`Reader::write_into`](super::Reader::write_into) and its counterparts changed in the copy of a file.
///
/// ```
/// use recurrent::{Model, keras};
/// # let original = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/keras_files/models/k3_compiled.keras"));
/// let model: Model<f32> = keras::read(original)?;
/// let (copy, written) = keras::write_into(original, &model)?;
/// assert_eq!(copy, original); // nothing was trained
/// assert!(written.datasets.is_empty());
/// assert_eq!(written.optimizer, keras::OptimizerVariables::Kept);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The paths of the datasets that have other numbers now, in the order of the file.
    pub datasets: Vec<String>,
    /// What became of the variables of the optimizer.
    pub optimizer: OptimizerVariables,
}

/// What became of the variables of the optimizer (moments, the count of steps) in the copy of a file. They belong to the
/// weights that they were made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OptimizerVariables {
    /// The file has none.
    Absent,
    /// The copy has those of the file: no weight changed.
    Kept,
    /// The copy has none, since the weights changed. Keras compiles the model with a new optimizer then, with the
    /// configuration of the old one; Keras 3 warns that it skips the variables.
    Dropped,
}
