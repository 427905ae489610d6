//! Recurrent layers, [`Lstm`], [`Gru`] and [`SimpleRnn`], with the numbers of Keras and the shapes in the types.
//!
//! A layer is an immutable value. A call takes an input (samples, timesteps, features), then adjectives, then one verb that
//! says what is returned:
//!
//! ```
//! use ndarray::array;
//! use recurrent::{Causal, Lstm, Recurrent};
//!
//! let lstm = Lstm::builder(2, 3).build()?; // Keras' defaults: 2 features, 3 units
//! let x = array![[[0.1_f32, 0.2], [0.3, 0.1], [0.2, 0.3]]]; // 1 sample, 3 timesteps, 2 features
//! let h = lstm.run(&x).last()?;
//! assert_eq!(h.dim(), (1, 3));
//!
//! let mut live = lstm.stream(1); // the same, one timestep at a time
//! live.push_slice(&[0.1, 0.2])?;
//! live.push_slice(&[0.3, 0.1])?;
//! assert_eq!(live.push_slice(&[0.2, 0.3])?, h.as_slice().unwrap());
//! # Ok::<(), recurrent::Error>(())
//! ```
#![cfg_attr(
    feature = "keras",
    doc = "A model that Keras saved is one call away: [`keras::load`]."
)]
//!
//! These are the four cases of Keras' two flags, with the numbers of a well-known article ("How to use return_state or
//! return_sequences in Keras", Chengwei Zhang, dlology.com):
//!
//! ```
//! use approx::assert_abs_diff_eq;
//! use ndarray::{Array2, array};
//! use recurrent::{Activation, Lstm, Recurrent};
//!
//! // One unit, both kernels 0.1, Keras' default bias; the gates of that Keras were 0.2x + 0.5, within 0 and 1.
//! let lstm = Lstm::builder(2, 1)
//!     .recurrent_activation(Activation::HARD_SIGMOID_KERAS2)
//!     .from_weights(Array2::from_elem((2, 4), 0.1), Array2::from_elem((1, 4), 0.1), array![0., 1., 0., 0.])?;
//! let x = array![[[0.1, 0.2], [0.3, 0.1], [0.2, 0.3]]]; // 1 sample, 3 timesteps, 2 features
//!
//! // return_sequences=False, return_state=False: (samples, units)
//! let h = lstm.run(&x).last()?;
//! assert_abs_diff_eq!(h, array![[0.02480672]], epsilon = 1e-8);
//!
//! // return_state=True: and the state, by name
//! let (h, state) = lstm.run(&x).last_and_state()?;
//! assert_eq!(h, state.h);
//! assert_abs_diff_eq!(state.c, array![[0.04864851]], epsilon = 1e-8);
//!
//! // return_sequences=True: (samples, timesteps, units)
//! let hs = lstm.run(&x).sequences()?;
//! assert_abs_diff_eq!(hs, array![[[0.00767819], [0.01597687], [0.02480672]]], epsilon = 1e-8);
//!
//! // both
//! let (hs, state) = lstm.run(&x).sequences_and_state()?;
//! assert_eq!(hs.dim(), (1, 3, 1));
//! assert_abs_diff_eq!(state.c, array![[0.04864851]], epsilon = 1e-8);
//! # Ok::<(), recurrent::Error>(())
//! ```
#![doc = "\n"]
#![doc = include_str!("doc/verbs.svg")]
//!
//! # Where to look
//! * A call and its adjectives (masks, lengths, initial state, backwards): [`Run`].
//! * One timestep at a time: [`Stream`] of a layer, [`ModelStream`] of a model.
//! * Calls that continue where the last one ended, as with Keras' `stateful`: [`Session`].
//! * Keras' flags as run-time values: [`Layer`], [`Output`].
//! * Layers made of layers: [`Bidirectional`], [`Stacked`], [`Deep`]. Layers of any kind, in a chain or a graph: [`Model`].
//! * Weights of another framework: [`Layout`], [`doc::layouts`]. Sequences of several lengths: [`PadSequences`].
//! * Equations of your own: [`Cell`]. A layer of your own in a model: [`AnyLayer`].
//! * Guides: [`doc`].
//!
//! The minimum Rust is 1.89.
//!
//! # Features
//! `std` (default): ndarray's and num-traits' arithmetic uses the standard library, and AVX2 and AVX-512 are detected at
//! run time. Without it the crate needs only `alloc`, and uses the vectors that the program is compiled for;
//! your own `ndarray` has to be without its default features, too.
//!
//! `rayon`: long calls are shared out over the caller's threads, see [`doc::performance`]. The bits stay the same.
//! `serde`: `Serialize` and `Deserialize` for builders, [`Activation`], [`Initializer`], [`MergeMode`], [`Padding`],
//! [`Merge`], [`Returns`], [`Shape`], for states, [`StreamState`] and [`ModelState`]. States keep every bit in every
//! format; options are decimals in JSON, of which `serde_json` reads the last bit with its feature `float_roundtrip`.
//! `train`: gradients, losses, optimisers and training steps. Inference stays as it is. `fit` is not there yet, and the
//! backward pass is not optimised yet.
#![cfg_attr(feature = "train", doc = "See [`train`](mod@train).")]
//!
//! `keras`, `torch`, `onnx`, `amp`, `npz`, `saved`: readers of files, each off by default, each without `std` and without C code.
#![cfg_attr(feature = "keras", doc = "Files of Keras: [`mod@keras`].")]
#![cfg_attr(
    feature = "torch",
    doc = "State dicts of PyTorch's `nn.LSTM`, `nn.GRU` and `nn.RNN`: [`mod@torch`]."
)]
#![cfg_attr(
    feature = "saved",
    doc = "Layers and models of this crate, saved and loaded: [`mod@saved`]."
)]
#![cfg_attr(
    feature = "onnx",
    doc = "LSTM, GRU and RNN nodes and arrays of ONNX files by name, not whole graphs: [`mod@onnx`]."
)]
#![cfg_attr(
    feature = "amp",
    doc = "Amplifier models of RTNeural, AIDA-X, GuitarML and Neural Amp Modeler: [`mod@amp`]."
)]
#![cfg_attr(feature = "npz", doc = "Files of NumPy: [`mod@npz`].")]
#![cfg_attr(
    feature = "files",
    doc = "What a file may ask of its reader is bounded by [`Limits`]."
)]
//!
//! # The same bits
//! Every sum runs in one order: bias, inputs ascending, state ascending, each multiply-add rounded once. So a sample has
//! the same outputs and states alone or in any batch, in one call or streamed, on AVX2 and on AVX-512. Outside of that:
//! portable code where the target has no fused multiply-add (x86-64 without AVX2), and a [`Cell`] of your own that mixes
//! samples.
//!
//! # Memory
//! A layer holds its weights once, in the order of use: (features + units + 1) · gates · units numbers, units rounded up
//! to whole vectors (16 `f32` with AVX-512, 8 with AVX2, 4 else; half as many `f64`), and a copy of the bias of a [`Gru`].
//! A pass takes about 256 KiB of projected inputs beside its output, however long the sequence, and so does each layer of a
//! stack (but one with a [`Bidirectional`] in it: [`doc::performance`]).
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(any(
    test,
    all(feature = "std", any(target_arch = "x86_64", feature = "files"))
))]
extern crate std;

mod activation;
#[cfg(feature = "files")]
#[cfg_attr(
    not(all(
        feature = "keras",
        feature = "npz",
        feature = "onnx",
        feature = "torch",
        feature = "saved"
    )),
    allow(dead_code)
)]
mod arrays;
#[cfg(feature = "train")]
mod backward;
#[cfg(feature = "serde")]
mod bits;
mod cell;
mod describe;
mod element;
mod error;
#[cfg(feature = "files")]
// It offers more than the readers of models take; its tests take all of it.
#[cfg_attr(
    not(all(
        test,
        feature = "keras",
        feature = "npz",
        feature = "onnx",
        feature = "torch",
        feature = "saved"
    )),
    allow(dead_code, unused_imports)
)]
mod format;
#[cfg(feature = "train")]
mod gradients;
mod init;
mod kernel;
mod layer;
#[cfg(feature = "files")]
mod limits;
#[cfg(feature = "files")]
mod load;
mod mask;
mod model;
mod names;
mod nn;
mod output;
mod pass;
mod recurrent;
mod run;
#[cfg(feature = "saved")]
pub mod saved;
mod session;
mod share;
mod slips;
mod state;
mod stream;
mod threads;
#[cfg(feature = "train")]
pub mod train;
mod unroll;
mod wrap;

pub mod doc;

// Recurrent layers.
pub use cell::{Cell, LayerNorm, Layout, Rnn};
pub use cell::{Gru, GruBias, GruBuilder, Lstm, LstmBuilder, SimpleRnn, SimpleRnnBuilder};
pub use wrap::{Bidirectional, Deep, MergeMode, Stacked};

// Running them.
pub use layer::Layer;
pub use output::{Output, Returns};
pub use recurrent::{Causal, Recurrent};
pub use run::{Apart, Merged, Run};
pub use session::{Forward, Session, Stateful};
pub use state::{BiState, HiddenState, LstmState, State};
pub use stream::{Stream, StreamState};

// What stands around them.
#[doc(hidden)]
pub use model::Kept;
pub use model::{
    AnyLayer, Graph, IntoLayer, LayerApart, LayerId, Model, ModelState, ModelStream, Node,
    ParameterCount, Shape, Stepwise, Tensor, WeightInfo,
};
pub use model::{PadSequences, Padded, Side};
pub use model::{Summary, SummaryRow};
pub use nn::*; // the list is in `nn`, so that a new layer stands in one list

// Files.
#[cfg(any(feature = "keras", feature = "saved"))]
pub use describe::OwnLayer;
#[cfg(feature = "saved")]
pub use describe::OwnParts;
#[cfg(feature = "files")]
pub use limits::Limits;
#[cfg(any(feature = "onnx", feature = "torch"))]
pub use load::FromLayers;
#[cfg(feature = "amp")]
pub use load::amp;
#[cfg(feature = "keras")]
pub use load::keras;
#[cfg(feature = "npz")]
pub use load::npz;
#[cfg(feature = "onnx")]
pub use load::onnx;
#[cfg(feature = "torch")]
pub use load::torch;

// What all of it is made of.
pub use activation::{Activation, Function};
pub use element::Element;
pub use error::{Error, Result};
pub use init::Initializer;
#[doc(hidden)]
pub use kernel::Isa;

/// The README's examples, compiled and run.
#[cfg(all(doctest, feature = "keras", feature = "train"))]
#[doc = include_str!("../README.md")]
struct Readme;
