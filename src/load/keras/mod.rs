//! Loads Keras files: whole models (`.keras`, `.h5`), and weights alone (`.weights.h5`, `.h5`).
//!
//! ```no_run
//! use recurrent::{Model, keras};
//! let model: Model<f32> = keras::load("model.keras")?;
//! println!("{}", model.summary()); // its layers, the Keras that wrote it, and what was decided by that
//! # Ok::<(), recurrent::Error>(())
//! ```
//!
//! | what there is | what reads it |
//! | --- | --- |
//! | `model.keras`, or a directory of its members | [`load`], [`read`] |
//! | `model.h5` with a configuration (`model.save`) | [`load`], [`read`] |
//! | `model.json` (`model.to_json()`) and weights | [`Reader::load_parts`], [`Reader::read_parts`] |
//! | `model.weights.h5`, `weights.h5`, `model.weights.json` with its shards: weights without a configuration | [`Weights`] |
//! | single layers of a `.keras` or `.h5`, with the arguments of its configuration | [`Weights`] |
//!
//! Files of Keras 1, 2 and 3, of `tf.keras` and of `tf_keras` can be read, without Python and without C code. Where a
//! file leaves something out, the version that wrote it decides: see [`Version`]. A [`Reader`] can override this, and
//! [`Model::summary`](crate::Model::summary) reports what was decided.
//!
//! # Layers
//! `SimpleRNN`, `LSTM`, `GRU`, `CuDNNLSTM`, `CuDNNGRU`, `RNN` of `SimpleRNNCell`, `LSTMCell`, `GRUCell` and
//! `StackedRNNCells`; `Bidirectional`, `TimeDistributed`; `Embedding`, `Masking`, `Dense`; `Conv1D`, `Conv2D`,
//! `DepthwiseConv1D`, `DepthwiseConv2D`, `SeparableConv1D`, `SeparableConv2D`, `Conv1DTranspose`, `Conv2DTranspose`; `BatchNormalization`, `LayerNormalization`, `RMSNormalization`,
//! `UnitNormalization`, `GroupNormalization` of Keras 3; `MaxPooling1D`, `AveragePooling1D`, `GlobalMaxPooling1D`, `GlobalAveragePooling1D`,
//! `ZeroPadding1D`, `Cropping1D`, `UpSampling1D`, and these of images (`MaxPooling2D` …); `RepeatVector`, `Flatten`, `Reshape`, `Permute`; `Concatenate`, `Add`,
//! `Subtract`, `Multiply`, `Average`, `Maximum`, `Minimum`; `Dot`, `Attention`, `AdditiveAttention`, `MultiHeadAttention`, `GroupQueryAttention`;
//! `Normalization`, `Rescaling`; `PReLU`, `Activation`, `Softmax`, `ReLU`, `LeakyReLU`,
//! `ELU`, `ThresholdedReLU`; `Dropout` and the other layers of noise, which do nothing outside of a training; `Sequential` and functional models inside of
//! models.
//!
//! # Operations
//! What stands between layers in functional models, as Keras 3 writes it (`keras.ops`) and as `tf.keras` does (`TFOpLambda`,
//! `SlicingOpLambda`), between values and with numbers and arrays:
//!
//! * slices: `x[:, -1]`, `x[:, ::-1]`, `x[..., :3]`, `x[:, None]`
//! * arithmetic, comparisons, logic, `where`, `maximum`, `minimum`, `clip`, `cast`, `abs`, `exp`, `log`, `sqrt`, `power` and
//!   their like; all activations; `softmax`
//! * `mean`, `sum`, `prod`, `max`, `min`, `all`, `any`, `var`, `std`, `logsumexp` along axes of a sample; `argmax`, `argmin`,
//!   `cumsum`, `cumprod` along one
//! * `concatenate`, `stack`, `reshape`, `transpose`, `swapaxes`, `moveaxis`, `expand_dims`, `squeeze`, `flip`, `tile`, `repeat`,
//!   `roll`, `pad` with zeros
//! * `matmul` of matrices of each sample and constants; `one_hot`
//!
//! No mask passes through an operation, as in Keras; only a conversion that converts nothing keeps it.
//!
//! # Layers of your own
//! Keras takes what is not its own as `custom_objects`, or from `@keras.saving.register_keras_serializable`. Here a
//! [`Reader`] takes it by the same names: [`Reader::layer`] a class, [`Reader::cell`] the class of a cell in a
//! `RNN`, [`Reader::lambda`] the function of a `Lambda`,
//! [`Reader::activation`] a function. They also stand in for layers of Keras that this crate does not have.
//!
//! # What is refused
//! Anything unknown that would change the numbers is an error, which names the file, the layer and the argument. This
//! covers classes, functions and `Lambda`s that were not given, layers and arguments that are not supported, cells of your own
//! that were not given or stand in a `Bidirectional` or in `StackedRNNCells`, quantised models, and weights that are missing, left over, of other shapes or of other layers. An argument that is `null` counts as
//! absent. The rates of dropout are kept, of cells too; only a training drops. What else concerns training changes no number of a
//! [`load`]ed model.
//!
//! # Training
//! With the feature `train`, [`Reader::load_training`] keeps what the layers of a file say of training: which of them are frozen
//! (`trainable`), and their regularizers and constraints. [`Reader::load_compiled`] also keeps what `model.compile` was given: the
//! optimizer, its learning rate or schedule, the losses and their weights. Each is refused if this crate does not have it. Metrics
//! and initializers are ignored, and what an optimizer has learned is not read: its slots start anew.
//!
//! To load a model that has an unsupported layer, give that layer to [`Reader::layer`], or build the model by hand: a
//! [`Graph`](crate::Graph) of the layers that [`Weights`] returns and of your own [`AnyLayer`](crate::AnyLayer)s. The error
//! says so, too.
//!
//! # What is decided
//! Numbers are computed in the type of the model, `f32` or `f64`, whatever the file says. Weights in float16 and
//! bfloat16 are converted exactly, and mixed precision is computed without its rounding steps.
//!
//! A layer keeps its state in a [`Session`](crate::Session) if it is `stateful` in the file. The mask of the input holds for
//! a layer with an initial state in files of Keras 2 always, in those of Keras 3 if the call names it; masked steps of a
//! `Bidirectional` repeat the last output in files of Keras 1 and 2 (but for that of TensorFlow) and are 0 in all others:
//! each as the Keras that wrote the file, and so are the rules of merging layers for masks, which Keras 3.4 changed.
//!
//! Three things are not as in the file. What Keras 2 gave at masked steps *before* the first real one under an initial state,
//! that state, is 0 here as in Keras 3. And a backward pass with `unroll=True`, sequences and zeros at masked steps refuses
//! masks when it runs: Keras zeroes other steps there than the masked ones. And a mask that is made inside of a
//! `TimeDistributed` is refused in files of Keras 2, which gave it three axes; Keras 3 drops it.
//!
//! # Back to Keras
//! [`write_into`] and [`save_into`] write the weights of a model into a copy of the file that it came from, so that Keras loads
//! what was trained here. The file decides all else: its configuration stays, and so does its version. What holds of the copy,
//! and what is refused, is said at [`Reader::write_into`].

mod activation;
mod arguments;
mod cells;
mod codes;
#[cfg(feature = "train")]
mod compiled;
mod config;
mod context;
mod datasets;
#[cfg(feature = "std")]
mod files;
mod gates;
mod keras1;
mod layer;
mod layer_weights;
mod layers;
mod leaf;
mod leaves;
mod listing;
mod made;
mod members;
mod names;
mod network;
mod nodes;
mod object;
#[cfg(feature = "train")]
mod of_layers;
mod ops;
mod original;
mod own;
mod plan;
mod reader;
mod shards;
mod store;
#[cfg(feature = "train")]
mod training;
mod tree;
mod unknown;
mod usage;
mod version;
mod weights;
mod wiring;
mod write;
mod written;

pub use layer_weights::LayerWeights;
pub use reader::Reader;
pub use version::Version;
pub use weights::Weights;
pub use written::{OptimizerVariables, Written};

use crate::error::Result;
use crate::{Element, Limits, Model};
use alloc::vec::Vec;

/// Loads a whole model from a file: [`Reader::load`] with the defaults.
///
/// ```no_run
/// use ndarray::Array3;
/// use recurrent::{Tensor, Model, keras};
/// let model: Model<f32> = keras::load("model.keras")?;
/// println!("{}", model.summary()); // layers, shapes, and what was decided
/// let y = model.forward(&Array3::zeros((1, 20, 8)))?;
///
/// // Several inputs, in the order of `model.inputs()`:
/// let (x, z) = (Array3::zeros((1, 20, 8)), Array3::zeros((1, 5, 4)));
/// let outputs = model.forward_all([Tensor::new(&x), Tensor::new(&z)])?;
/// let first = &outputs[0].values;
///
/// // One timestep of 1 sample at a time, if no layer looks ahead; it allocates nothing:
/// let mut live = model.stream(1)?;
/// let y = live.push_slice(&[0.0; 8])?;
/// # Ok::<(), recurrent::Error>(())
/// ```
#[cfg(feature = "std")]
pub fn load<A: Element>(path: impl AsRef<std::path::Path>) -> Result<Model<A>> {
    Reader::new().load(path)
}

/// Loads a model as [`load`] does, within these limits.
#[cfg(feature = "std")]
pub fn load_within<A: Element>(
    path: impl AsRef<std::path::Path>,
    limits: &Limits,
) -> Result<Model<A>> {
    Reader::within(limits).load(path)
}

/// Reads a whole model from bytes: [`Reader::read`] with the defaults.
pub fn read<A: Element>(bytes: &[u8]) -> Result<Model<A>> {
    Reader::new().read(bytes)
}

/// Reads a model as [`read`] does, within these limits.
pub fn read_within<A: Element>(bytes: &[u8], limits: &Limits) -> Result<Model<A>> {
    Reader::within(limits).read(bytes)
}

/// Writes the weights of a model into a copy of the file that it came from: [`Reader::write_into`] with the defaults.
///
/// ```
/// use recurrent::{Model, keras};
/// # let original = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/keras_files/models/k3_compiled.keras"));
/// let mut model: Model<f32> = keras::read(original)?;
/// model.set("dense/bias", &ndarray::arr1(&[0.5]))?; // or a training
/// let (copy, written) = keras::write_into(original, &model)?;
/// assert_eq!(keras::read::<f32>(&copy)?.get("dense/bias")?[0], 0.5);
/// println!("{} datasets, optimizer {:?}", written.datasets.len(), written.optimizer);
/// # Ok::<(), recurrent::Error>(())
/// ```
pub fn write_into<A: Element>(original: &[u8], model: &Model<A>) -> Result<(Vec<u8>, Written)> {
    Reader::new().write_into(original, model)
}

/// Writes the weights of a model into a copy of the file that it came from: [`Reader::save_into`] with the defaults.
///
/// ```no_run
/// use recurrent::{Model, keras};
/// let model: Model<f32> = keras::load("model.keras")?;
/// // … a training …
/// keras::save_into("model.keras", &model, "tuned.keras")?; // in Python: keras.models.load_model("tuned.keras")
/// # Ok::<(), recurrent::Error>(())
/// ```
#[cfg(feature = "std")]
pub fn save_into<A: Element>(
    original: impl AsRef<std::path::Path>,
    model: &Model<A>,
    copy: impl AsRef<std::path::Path>,
) -> Result<Written> {
    Reader::new().save_into(original, model, copy)
}

#[cfg(test)]
mod tests;
